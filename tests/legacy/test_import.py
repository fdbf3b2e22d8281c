"""A small old database, with what few have, comes over whole; once, and only into an empty cloud."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from synnefo.astakos.accounts import login, tokens
from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import Terms, Token, User
from synnefo.astakos.catalog.models import Component, Endpoint, Resource, Service
from synnefo.astakos.catalog.rules import component_of_token, reveal_service_token
from synnefo.astakos.catalog.standard import register_standard
from synnefo.astakos.methods.models import AuthMethod, AuthPolicy
from synnefo.astakos.oauth.models import OAuthClient
from synnefo.astakos.projects.models import (
    Membership,
    MembershipLog,
    Project,
    ProjectApplication,
    ProjectLimit,
    ProjectLog,
)
from synnefo.astakos.quotas import clients, ledger
from synnefo.astakos.quotas import rules as quotas
from synnefo.astakos.quotas.models import Commission, Holding, ProvisionLog
from synnefo.audit.models import AuditEvent
from synnefo.common.accounts import Provision
from synnefo.common.units import INFINITE
from tests.conftest import SYSTEM
from tests.legacy import old

pytestmark = pytest.mark.django_db
UUID = "11111111-0000-4000-8000-00000000000"
ANN, TWIN_A, TWIN_B, EARLY, LAB = (f"{UUID}{place}" for place in "1234a")


@pytest.fixture
def url(old_server: old.Server, settings: Any) -> str:
    from synnefo.astakos import default_settings

    settings.PASSWORD_HASHERS = default_settings.PASSWORD_HASHERS
    return old_server.small()


def come(url: str, *options: str) -> str:
    """Import; what was printed."""
    out = io.StringIO()
    call_command("legacy-import", "--astakos-db", url, *options, stdout=out, stderr=out)
    return out.getvalue()


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, but for what notes the import itself."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        found[model._meta.label] = sorted(model._base_manager.values_list(), key=repr)
    return found


def test_a_dry_run_tells_and_changes_nothing(url: str) -> None:
    before, before_there = everything(), old.rows(url, "SELECT * FROM auth_user ORDER BY id")
    told = come(url, "--dry-run")
    assert everything() == before
    assert old.rows(url, "SELECT * FROM auth_user ORDER BY id") == before_there
    assert "Twin@Old.Example.org of " + TWIN_B in told
    assert "Nothing was changed." in told
    assert "s3cret" not in told


def test_a_report_is_for_programs_too(url: str) -> None:
    told = come(url, "--dry-run", "--output-format", "json")
    report = json.loads(told[: told.rindex("}") + 1])["astakos"]
    assert report["release"] == "0.21"
    assert report["counts"]["users"] == 7
    assert report["counts"]["holdings"] == 5
    assert report["obstacles"] == {}
    assert report["notes"]["active, but never accepted: comes in inactive"] == ["early@old.example.org"]


def test_users_are_who_they_were(url: str) -> None:
    come(url)
    ann = User.objects.get(pk=1)
    assert (ann.uuid, ann.username, ann.email) == (ANN, "ann@old.example.org", "Ann@Old.example.org")
    assert (ann.realname, ann.is_superuser, ann.is_staff, ann.is_active) == ("Ann One", True, True, True)
    assert ann.date_joined == datetime.datetime(2013, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
    assert (ann.default_project, User.objects.get(pk=2).default_project) == (LAB, TWIN_A)
    assert ann.updated == datetime.datetime(2014, 1, 1, tzinfo=datetime.UTC)
    assert ann.moderated_data == {"email": "ann@old.example.org"}
    assert [group.pk for group in ann.groups.all()] == [3]
    assert User.objects.get(pk=2).has_perm("astakos.change_user")
    early = User.objects.get(pk=4)
    assert (early.is_active, early.status) == (False, "Pending moderation")
    assert User.objects.get(pk=9).default_project == ""
    assert not User.objects.filter(pk=5).exists()


def test_two_spellings_of_an_email_let_nobody_in_by_it(url: str) -> None:
    come(url)
    for pk, uuid in ((2, TWIN_A), (3, TWIN_B)):
        user = User.objects.get(pk=pk)
        assert (user.shares_email, user.username, user.is_active) == (True, uuid, True)
        accounts.set_password(SYSTEM, user, "a-long-password-1")
        assert login.by_password(uuid, "a-long-password-1", address="") == user
    assert login.by_password("twin@old.example.org", "a-long-password-1", address="") is None


def test_tokens_go_on_working_as_long_as_they_would_have(url: str) -> None:
    come(url)
    assert tokens.identify("token-of-ann").user == ANN
    assert tokens.identify("token-of-twin-a").user == TWIN_A
    assert set(Token.objects.values_list("name", flat=True)) == {"imported"}
    ann = Token.objects.get(user=1)
    assert ann.created == datetime.datetime(2014, 1, 1, tzinfo=datetime.UTC)
    assert ann.expires == datetime.datetime(2044, 1, 1, tzinfo=datetime.UTC)
    assert Token.objects.get(user=3).expires == tokens.NEVER
    assert not Token.objects.filter(digest__contains="token-of").exists()


def test_terms_are_signed_by_whom_they_were(url: str, tmp_path: Any) -> None:
    text = tmp_path / "terms.html"
    text.write_text("<h1>Be kind</h1><script>no()</script>", encoding="utf-8")
    old.change(url, f"UPDATE im_approvalterms SET location = '{text}'")
    come(url)
    [terms] = Terms.objects.all()
    assert (terms.pk, terms.content) == (2, "<h1>Be kind</h1>")
    assert User.objects.get(pk=1).signed_terms == terms
    assert User.objects.get(pk=1).has_signed_terms
    assert not User.objects.get(pk=3).has_signed_terms


def test_login_methods_and_policies(url: str) -> None:
    come(url)
    rows = AuthMethod.objects.order_by("user", "module").values_list("user", "module", "identifier", "active")
    assert list(rows) == [(1, "local", "", True), (1, "shibboleth", "ann@idp", True), (2, "local", "", True)]
    assert AuthMethod.objects.get(module="shibboleth").info == {"eppn": "ann@idp"}
    [policy] = AuthPolicy.objects.all()
    assert (policy.pk, policy.name, policy.policy_login, policy.policy_limit) == (4, "no-google", False, 2)
    assert (policy.policy_add, policy.priority) == (None, 9)
    assert [user.pk for user in policy.users.all()] == [2]
    assert [group.name for group in policy.groups.all()] == ["students"]


def test_the_catalog_names_what_is_here_and_what_stays_elsewhere(url: str) -> None:
    come(url)
    urls = {row.service.name: row.public_url for row in Endpoint.objects.all() if row.service.pk <= 3}
    assert urls == {
        "astakos_account": "/astakos/account/v1.0",
        "pithos_object-store": "/pithos/object-store/v1",
        "pithos_extra": "/pithos/extra",
    }
    [first, second] = Endpoint.objects.filter(service__name="ledger_api").order_by("pk")
    assert (first.public_url, first.data) == (
        "https://ledger.example.net/v1",
        {"versionId": "v1", "SNF:tier": "gold"},
    )
    assert second.public_url == "https://ledger.example.net/v2"
    assert component_of_token("token-of-ledger").url == "https://ledger.example.net/ui"
    pithos = component_of_token("token-of-pithos")
    assert pithos.base_url == "/pithos"
    assert reveal_service_token(SYSTEM, pithos) == "token-of-pithos"
    assert Service.objects.filter(name="astakos_identity").exists(), "what is served here is in the catalog"


def test_services_that_are_not_served_here_stay_where_they_are(url: str, settings: Any) -> None:
    settings.SYNNEFO_SERVICES = ["astakos"]
    elsewhere = "https://pithos.example.net/pithos/object-store/v1"
    old.change(
        url, f"UPDATE im_endpointdata SET value = '{elsewhere}' WHERE endpoint_id = 2 AND key = 'publicURL'"
    )
    come(url)
    [endpoint] = Endpoint.objects.filter(service__name="pithos_object-store")
    assert endpoint.public_url == elsewhere


def test_resources_keep_their_defaults(url: str) -> None:
    come(url)
    space = Resource.objects.get(name="pithos.diskspace")
    assert (space.system_default, space.project_default, space.unit) == (5000, 0, "bytes")
    assert Resource.objects.get(name="ledger.entries").system_default == INFINITE


def test_projects_applications_and_members(url: str) -> None:
    come(url)
    lab = Project.objects.get(uuid=LAB)
    assert (lab.pk, lab.name, lab.owner_id, lab.max_members) == (30, "lab.example.org", 2, INFINITE)
    assert (lab.member_join_policy, lab.member_leave_policy, lab.is_base) == (1, 2, False)
    assert lab.created == datetime.datetime(2014, 2, 3, 4, 5, 6, 789000, tzinfo=datetime.UTC)
    assert lab.last_application_id == 8
    states = dict(ProjectApplication.objects.values_list("pk", "state"))
    assert states == {5: 1, 6: 2, 8: 0}
    first = ProjectApplication.objects.get(pk=5)
    assert (first.response, first.comments, first.owner_id) == ("fine", "please", 2)
    [grant] = ProjectApplication.objects.get(pk=8).grants.all()
    assert (grant.resource.name, grant.project_capacity, grant.member_capacity) == (
        "pithos.diskspace",
        1000,
        100,
    )
    assert Membership.objects.get(person=1, project=lab).pk == 20
    assert ProjectLog.objects.get(project=lab).actor == ANN
    assert MembershipLog.objects.get(membership=20).at.date() == datetime.date(2014, 2, 4)
    limit = ProjectLimit.objects.get(project=lab, resource__name="pithos.diskspace")
    assert (limit.project_capacity, limit.member_capacity) == (900, 90)


def test_what_this_cloud_counts_besides_gets_its_limits(url: str) -> None:
    come(url)
    for uuid in (ANN, LAB):
        limited = set(
            ProjectLimit.objects.filter(project__uuid=uuid).values_list("resource__name", flat=True)
        )
        assert limited == set(Resource.objects.values_list("name", flat=True))
    assert Holding.objects.get(holder=f"project:{ANN}", resource="cyclades.vm").limit == INFINITE


def test_usage_and_what_waits_for_a_decision(url: str) -> None:
    come(url)
    pool = Holding.objects.get(holder=f"project:{ANN}", resource="pithos.diskspace")
    assert (pool.source, pool.limit, pool.usage_min, pool.usage_max) == ("", 5000, 70, 100)
    assert Holding.objects.get(holder=f"project:{LAB}", resource="pithos.diskspace").usage_max == 7
    pithos = clients.of_component(Component.objects.get(name="pithos"))
    assert quotas.pending(pithos) == [41]
    assert Commission.objects.get(pk=43).client == "gone"
    quotas.resolve([41], [], client=pithos)
    pool.refresh_from_db()
    assert (pool.usage_min, pool.usage_max) == (100, 100)
    settled = ProvisionLog.objects.get(serial=40)
    assert (settled.accepted, settled.quantity, settled.settled.microsecond) == (True, 60, 420000)
    assert not ProvisionLog.objects.get(serial=39).accepted


def test_usage_that_no_event_explains_is_in_the_ledger_as_an_opening_balance(url: str) -> None:
    come(url)
    opened = ProvisionLog.objects.filter(name=ledger.OPENING).order_by("holder")
    assert [(row.holder, row.source, row.quantity) for row in opened] == [
        (f"project:{ANN}", "", 10), (f"project:{LAB}", "", 7), (f"user:{ANN}", f"project:{ANN}", 70),
    ]  # fmt: skip
    assert ledger.differences() == {}


def test_oauth_clients_keep_number_and_secret(url: str) -> None:
    old.change(
        url, "INSERT INTO oa2_client (id, identifier, type) VALUES (9, 'nowhere-to-go', 'confidential')"
    )
    assert "OAuth client without a place to return to" in come(url)
    view, public = OAuthClient.objects.select_related("client").order_by("pk")
    assert (view.pk, view.client_id, view.client.name, view.client.skip_consent) == (
        2, "pithos-view", "Pithos view", True)  # fmt: skip
    assert view.client.get_redirect_uris() == [
        "https://old.example.org/pithos/ui/view", "https://two.example.org/view"]  # fmt: skip
    assert view.client.check_secret("view s3cret")
    assert (public.pk, public.client.type, public.client.skip_consent) == (3, "public", False)


def test_new_rows_are_numbered_on(url: str) -> None:
    come(url)
    user = accounts.create(SYSTEM, "later@old.example.org", "La", "Ter")
    assert user.pk == 26
    assert accounts.accept(SYSTEM, accounts.verify(SYSTEM, user)).default_project == user.uuid
    assert Membership.objects.get(person=user).pk == 34
    serial = quotas.issue([Provision(f"project:{ANN}", None, "pithos.diskspace", 1)], client="in-process")
    assert serial == 78


def test_a_second_run_changes_nothing(url: str) -> None:
    come(url)
    before = everything()
    assert "imported already; nothing was changed" in come(url)
    assert "imported already; nothing was changed" in come(url, "--dry-run")
    assert everything() == before


def test_the_import_is_in_the_audit_trail(url: str) -> None:
    come(url)
    event = AuditEvent.objects.get(action="legacy.import")
    assert (event.target_id, event.details["rows"]["users"]) == ("0.21", 7)


def test_whatever_is_in_the_way_is_listed_and_nothing_changes(
    url: str, new_person: Callable[..., Any]
) -> None:
    new_person("alice")
    new_person("bob")
    eve = new_person("eve").user.uuid
    serial = quotas.issue([Provision(f"project:{eve}", None, "cyclades.vm", 1)], client="x")
    before = everything()
    out = io.StringIO()
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("legacy-import", "--astakos-db", url, stdout=out, stderr=out)
    assert everything() == before
    told = (
        "user alice@example.org: ",
        "user bob@example.org: ",
        f"commission {serial}: ",
        "usage of cyclades.vm",
    )
    for line in told:
        assert line in out.getvalue()


def test_a_service_that_belongs_to_another_component_is_in_the_way(url: str) -> None:
    old.change(url, "UPDATE im_service SET name = 'cyclades_compute' WHERE name = 'ledger_api'")
    register_standard()
    with pytest.raises(CommandError):
        come(url)
    assert User.objects.count() == 0


def test_the_first_administrator_keeps_his_account_beside_those_that_come(url: str) -> None:
    register_standard()
    boss = accounts.create(
        SYSTEM, "boss@example.org", "Cloud", "Boss", password="a-long-password-1", admin=True
    )
    boss = accounts.accept(SYSTEM, accounts.verify(SYSTEM, boss), policy="set-up")
    token, _ = tokens.create_api_token(SYSTEM, boss, "kamaki")
    come(url)
    assert (tokens.identify(token).user, tokens.identify(token).is_admin) == (boss.uuid, True)
    assert tokens.identify(token).projects == {boss.uuid}
    again = login.by_password("boss@example.org", "a-long-password-1", address="")
    assert again is not None
    assert again.pk > 1000
    assert User.objects.get(pk=1).uuid == ANN
    assert Project.objects.get(pk=1).uuid == ANN
    services, components = Service.objects.order_by("pk")[:4], Component.objects.order_by("pk")[:3]
    assert [(row.pk, row.name) for row in services] == [
        (1, "astakos_account"), (2, "pithos_object-store"), (3, "pithos_extra"), (4, "ledger_api"),
    ]  # fmt: skip
    assert [(row.pk, row.name) for row in components] == [(1, "astakos"), (2, "pithos"), (3, "ledger")]
    assert set(Resource.objects.filter(pk__lt=100).values_list("pk", flat=True)) == {1, 9, 12}
    assert not Endpoint.objects.exclude(service__in=Service.objects.all()).exists()


def test_the_first_administrator_and_one_of_the_same_address_are_in_each_others_way(url: str) -> None:
    boss = accounts.create(SYSTEM, "ann@old.example.org", "Cloud", "Boss", admin=True)
    accounts.accept(SYSTEM, accounts.verify(SYSTEM, boss), policy="set-up")
    with pytest.raises(CommandError):
        come(url)
    assert User.objects.count() == 1


OLDER = {
    "0.20": "ALTER TABLE im_astakosuser DROP COLUMN default_project",
    "0.19": "ALTER TABLE im_astakosuser DROP COLUMN default_project;"
    "ALTER TABLE django_migrations RENAME TO south_migrationhistory",
}


@pytest.mark.parametrize("release", OLDER)
def test_older_releases_come_too(url: str, release: str) -> None:
    old.change(url, OLDER[release])
    told = come(url, "--dry-run", "--output-format", "json")
    assert json.loads(told[: told.rindex("}") + 1])["astakos"]["release"] == release
    come(url)
    assert User.objects.get(pk=1).default_project == ANN
    assert User.objects.get(pk=4).default_project == ""


def test_what_does_not_fit_is_an_obstacle(url: str) -> None:
    old.change(url, "UPDATE quotaholder_app_holding SET holder = 'user:' || repeat('x', 60) WHERE id = 2")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("legacy-import", "--astakos-db", url, stdout=out, stderr=out)
    assert "holdings: holder is longer than 64 characters" in out.getvalue()
    assert User.objects.count() == 0


def test_a_cloud_without_a_secret_key_cannot_take_service_tokens(url: str, settings: Any) -> None:
    settings.SECRET_KEY = ""
    with pytest.raises(CommandError):
        come(url)
    assert User.objects.count() == 0


def test_another_database_than_the_one_that_was_begun_is_refused(url: str, old_server: old.Server) -> None:
    come(url)
    another = old_server.small()
    old.change(another, f"UPDATE im_astakosuser SET uuid = '{UUID}f' WHERE user_ptr_id = 1")
    with pytest.raises(CommandError, match="from another database"):
        come(another)


def test_what_is_no_old_database_is_said(old_server: old.Server) -> None:
    for address, why in (
        (old_server.empty(), "no database of Astakos"),
        ("postgresql://nobody@127.0.0.1:1/none", "Cannot reach"),
        ("mysql://x@y/z", "postgresql://"),
    ):
        with pytest.raises(CommandError, match=why):
            come(address)


def test_passwords_that_nobody_can_enter_are_replaced_by_none(url: str) -> None:
    old.change(url, "UPDATE auth_user SET password = 'crypt$xx$yy' WHERE id = 1")
    assert "password kept in an unknown way" in come(url)
    assert not User.objects.get(pk=1).has_usable_password()
