"""The end of an account: what stands in its way, what is left of it; two accounts that become one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from synnefo.astakos.accounts import access, addresses, login, merging, removal, rules, tokens
from synnefo.astakos.accounts.models import ApplicationCredential, Token, User
from synnefo.astakos.methods.models import AuthMethod
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.quotas import rules as quotas
from synnefo.common.accounts import Provision
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, Unauthorized
from tests.astakos.accounts.conftest import PASSWORD, SYSTEM, mails
from tests.astakos.conftest import Person


def use(person: Person, project: str, amount: int = 1) -> None:
    """He has a server there."""
    holders = ((f"user:{person.uuid}", f"project:{project}"), (f"project:{project}", ""))
    wanted = [Provision(holder, source, "cyclades.vm", amount) for holder, source in holders]
    quotas.resolve([quotas.issue(wanted, client="tests", name="", force=True)], [], client="tests")


def test_what_is_in_use_stands_in_the_way(ada: Person) -> None:
    use(ada, ada.uuid, 2)
    assert removal.outcome(ada.user).uses == [removal.Use(ada.uuid, "cyclades.vm", 2)]
    with pytest.raises(Conflict, match=r"2 of cyclades\.vm"):
        removal.remove(SYSTEM, ada.user)
    use(ada, ada.uuid, -2)
    removal.remove(SYSTEM, ada.user)


def test_what_he_owns_stands_in_the_way(ada: Person, bob: Person, lab: Callable[..., Project]) -> None:
    project = lab(ada, bob)
    with pytest.raises(Conflict, match=r"lab\.example\.org"):
        removal.remove(SYSTEM, ada.user)
    Project.objects.filter(pk=project.pk).update(owner=bob.user)
    removal.remove(SYSTEM, ada.user)


def test_the_last_administrator_stays(root: Person, person: Callable[..., Person]) -> None:
    with pytest.raises(Conflict, match="only administrator"):
        removal.remove(SYSTEM, root.user)
    person("second", admin=True)
    removal.remove(SYSTEM, root.user)


def test_nothing_but_the_uuid_is_left(ada: Person, bob: Person, lab: Callable[..., Project]) -> None:
    project = lab(bob, ada)
    access.create(SYSTEM, ada.user, "laptop", project=ada.uuid, lifetime=access.DAY)
    rules.add_group(SYSTEM, ada.user, "helpers")
    removal.remove(SYSTEM, ada.user)
    left = User.objects.get(uuid=ada.uuid)
    assert left.status == "Removed"
    assert (left.email, left.first_name, left.last_name, left.is_active) == ("", "", "", False)
    assert not left.has_usable_password()
    assert not left.groups.exists()
    for model in (Token, ApplicationCredential, AuthMethod):
        assert not model.objects.filter(user=left).exists()
    assert Membership.objects.get(person=left, project=project).state == Membership.State.REMOVED
    assert Project.objects.get(uuid=ada.uuid).state == Project.State.TERMINATED
    with pytest.raises(Unauthorized):
        tokens.lookup(ada.token)
    assert login.by_password("ada@example.org", PASSWORD, address="") is None
    for name in ("ada@example.org", ada.uuid, str(left.pk)):
        with pytest.raises(ItemNotFound):
            rules.find(name)
    assert mails()[-1].recipient == "Ada@Example.org"


def test_the_address_can_be_used_again(ada: Person) -> None:
    removal.remove(SYSTEM, ada.user)
    again = rules.create(SYSTEM, "ada@example.org", "Ada", "Lovelace")
    assert again.uuid != ada.uuid


@pytest.mark.parametrize("state", ["unverified", "waiting", "rejected"])
def test_who_was_never_accepted_is_not_removed_but_deleted(user_in: Callable[..., User], state: str) -> None:
    with pytest.raises(Conflict):
        removal.remove(SYSTEM, user_in(state))


def test_an_inactive_account_is_removed(user_in: Callable[..., User]) -> None:
    assert removal.remove(SYSTEM, user_in("inactive")).status == "Removed"


@pytest.fixture
def twins(person: Callable[..., Person]) -> tuple[Person, Person]:
    """Two accounts as an import leaves them whose e-mails differ in case only."""
    one, other = person("twin"), person("other")
    for who, email in ((one, "Twin@example.org"), (other, "twin@Example.org")):
        User.objects.filter(pk=who.user.pk).update(email=email, username=who.uuid, shares_email=True)
        who.user.refresh_from_db()
    return one, other


def test_nobody_signs_in_by_an_address_of_two_but_each_by_his_uuid(twins: tuple[Person, Person]) -> None:
    assert login.by_password("twin@example.org", PASSWORD, address="") is None
    for one in twins:
        assert login.by_password(one.uuid, PASSWORD, address="") == one.user
        assert tokens.identify(one.token).user == one.uuid
    assert list(addresses.shared()) == [one.user for one in twins]
    with pytest.raises(Conflict, match="Several accounts"):
        rules.find("TWIN@example.org")
    with pytest.raises(Conflict):
        rules.create(SYSTEM, "twin@example.org", "Third", "Twin")


@pytest.mark.parametrize("how", ["merge", "remove", "rename"])
def test_the_one_who_is_left_signs_in_by_the_address(twins: tuple[Person, Person], how: str) -> None:
    one, other = twins
    if how == "merge":
        merging.merge(SYSTEM, one.user, other.user)
    elif how == "remove":
        removal.remove(SYSTEM, one.user)
    else:
        rules.set_email(SYSTEM, one.user, "else@example.org")
        assert login.by_password("else@example.org", PASSWORD, address="") == one.user
    assert login.by_password("TWIN@example.org", PASSWORD, address="") == other.user
    assert not addresses.shared().exists()
    assert not User.objects.get(pk=other.user.pk).shares_email


def test_a_merge_moves_projects_groups_and_ways_to_sign_in(
    ada: Person, bob: Person, root: Person, lab: Callable[..., Project]
) -> None:
    project = lab(ada, ada)
    rules.add_group(SYSTEM, ada.user, "helpers")
    AuthMethod.objects.create(user=ada.user, module="google", identifier="g-1")
    merged = merging.merge(SYSTEM, ada.user, bob.user)
    project.refresh_from_db()
    assert project.owner == bob.user
    assert Membership.objects.get(project=project, person=bob.user).is_accepted
    assert not Membership.objects.get(project=project, person=ada.user).is_accepted
    assert list(merged.groups.values_list("name", flat=True)) == ["helpers"]
    assert set(merged.auth_methods.values_list("module", flat=True)) == {"local", "google"}
    assert User.objects.get(pk=ada.user.pk).status == "Removed"
    assert tokens.identify(bob.token).projects >= {project.uuid, bob.uuid}


def test_what_cannot_be_moved_is_said_and_nothing_is_changed(
    ada: Person, bob: Person, lab: Callable[..., Project]
) -> None:
    project = lab(ada, ada)
    use(ada, project.uuid)
    with pytest.raises(Conflict, match=r"1 of cyclades\.vm in .* cannot be moved"):
        merging.merge(SYSTEM, ada.user, bob.user)
    project.refresh_from_db()
    assert project.owner == ada.user


def test_an_account_is_merged_into_another_that_was_accepted(
    ada: Person, user_in: Callable[..., User]
) -> None:
    with pytest.raises(BadRequest):
        merging.merge(SYSTEM, ada.user, ada.user)
    with pytest.raises(Conflict):
        merging.merge(SYSTEM, ada.user, user_in("waiting", "waits@example.org"))
