"""One contract for both adapters of the accounts seam: in process, and over HTTP against the real API."""

from __future__ import annotations

import dataclasses
import datetime
import hmac
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone

from synnefo.astakos.accounts import access, rules, tokens
from synnefo.astakos.accounts.models import Token
from synnefo.astakos.catalog.rules import find_component, renew_service_token
from synnefo.astakos.keys import rules as keys
from synnefo.astakos.oauth import rules as oauth
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.roles import effective
from synnefo.astakos.roles.models import Assignment
from synnefo.astakos.seam import InProcessAccounts
from synnefo.common.accounts import Accounts, Identity, Provision, provisions_for
from synnefo.common.accounts_http import HttpAccounts
from synnefo.common.caller import system_caller
from synnefo.common.faults import ItemNotFound, OverLimit, ServiceUnavailable, TooManyRequests, Unauthorized
from synnefo.common.transactions import atomic
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db
SYSTEM = system_caller("test")


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """The application shares this test's transaction: requests must not close the connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def over_http(token: str, handle: Any = None) -> HttpAccounts:
    transport = handle or httpx.WSGITransport(app=get_wsgi_application(), raise_app_exceptions=True)
    base_url = "http://testserver/astakos/account/v1.0"
    return HttpAccounts(httpx.Client(transport=transport, base_url=base_url, headers={"X-Auth-Token": token}))


@pytest.fixture(params=["in process", "over HTTP"])
def accounts(request: pytest.FixtureRequest, cloud: None) -> Accounts:
    if request.param == "in process":
        return InProcessAccounts()
    return over_http(renew_service_token(SYSTEM, find_component("cyclades")))


def charge(accounts: Accounts, who: Person, **amounts: int) -> int:
    wanted = {f"cyclades.{name}": amount for name, amount in amounts.items()}
    return accounts.issue(provisions_for(who.uuid, who.uuid, wanted), name="test")


def use(accounts: Accounts, who: Person, name: str) -> tuple[int, int]:
    found = accounts.quotas(who.uuid, who.uuid)[f"cyclades.{name}"]
    assert (found.usage, found.pending) == (found.project_usage, found.project_pending)
    return found.usage, found.pending


def test_a_token_tells_its_user_and_what_he_may(accounts: Accounts, ada: Person, root: Person) -> None:
    identity = accounts.identify(ada.token)
    assert (identity.user, identity.user_name) == (ada.uuid, "ada@example.org")
    assert (identity.project, identity.default_project) == (None, ada.uuid)
    assert identity.projects == {ada.uuid}
    assert identity.roles == {"member", "reader"}
    assert not identity.is_admin
    assert not identity.read_only
    assert accounts.identify(root.token).is_admin


def test_a_scoped_or_reading_token_says_so(accounts: Accounts, ada: Person) -> None:
    project = projects.get(ada.uuid)
    soon = timezone.now() + datetime.timedelta(hours=1)
    scoped = tokens.issue(ada.user, kind=Token.Kind.LOGIN, project=project, read_only=True, expires=soon)
    identity = accounts.identify(scoped)
    assert identity.project == ada.uuid
    assert identity.read_only


def test_groups_are_roles(accounts: Accounts, ada: Person) -> None:
    rules.add_group(SYSTEM, ada.user, "helpdesk")
    assert "helpdesk" in accounts.identify(ada.token).roles


@pytest.mark.parametrize("spoil", ["unknown", "expired", "inactive"])
def test_a_token_that_is_no_good_is_refused_with_the_reason(
    accounts: Accounts, ada: Person, spoil: str
) -> None:
    reasons = {
        "unknown": "Invalid X-Auth-Token",
        "expired": "Authentication expired",
        "inactive": "User inactive",
    }
    if spoil == "expired":
        Token.objects.update(expires=timezone.now())
    if spoil == "inactive":
        rules.deactivate(SYSTEM, ada.user)
    with pytest.raises(Unauthorized) as refusal:
        accounts.identify("no such token" if spoil == "unknown" else ada.token)
    assert refusal.value.message == reasons[spoil]


def test_a_signed_in_user_is_known_by_his_uuid(accounts: Accounts, ada: Person) -> None:
    assert accounts.identity_of_user(ada.uuid).projects == {ada.uuid}
    rules.deactivate(SYSTEM, ada.user)
    with pytest.raises(Unauthorized):
        accounts.identity_of_user("no such user")


def test_a_page_gets_a_short_token_for_one_project(accounts: Accounts, ada: Person, bob: Person) -> None:
    before = timezone.now()
    token = accounts.short_token(ada.uuid, ada.uuid, 600)
    identity = accounts.identify(token)
    assert (identity.user, identity.project) == (ada.uuid, ada.uuid)
    expires = tokens.lookup(token).expires
    assert before < expires <= timezone.now() + datetime.timedelta(seconds=600)
    for user, project in ((ada.uuid, bob.uuid), ("nobody", ada.uuid), (ada.uuid, "nowhere")):
        with pytest.raises(Unauthorized):
            accounts.short_token(user, project, 600)
    rules.deactivate(SYSTEM, ada.user)
    with pytest.raises(Unauthorized):
        accounts.short_token(ada.uuid, ada.uuid, 600)


def test_what_is_accepted_stays_and_what_is_rejected_goes(accounts: Accounts, ada: Person) -> None:
    kept, dropped = charge(accounts, ada, vm=1, cpu=2), charge(accounts, ada, vm=3)
    assert use(accounts, ada, "vm") == (4, 4)
    accounts.resolve([kept], [dropped])
    assert use(accounts, ada, "vm") == (1, 0)
    assert use(accounts, ada, "cpu") == (2, 0)
    accounts.resolve([dropped], [kept, 999_999])
    assert use(accounts, ada, "vm") == (1, 0)
    accounts.resolve([], [])


def test_usage_is_appended_where_the_database_is_shared(accounts: Accounts, ada: Person) -> None:
    projects.set_limits(SYSTEM, projects.get(ada.uuid), {"cyclades.disk": (2**40, 2**40)})
    for amount in (5000, -1000):
        with atomic():
            done = accounts.append_usage(provisions_for(ada.uuid, ada.uuid, {"cyclades.disk": amount}))
        assert done is accounts.same_database
    assert use(accounts, ada, "disk") == ((4000, 0) if accounts.same_database else (0, 0))


def test_a_limit_is_kept_and_the_refusal_says_which(accounts: Accounts, ada: Person) -> None:
    projects.set_limits(SYSTEM, projects.get(ada.uuid), {"cyclades.vm": (2, 5)})
    accounts.resolve([charge(accounts, ada, vm=1)], [])
    with pytest.raises(OverLimit) as refusal:
        charge(accounts, ada, vm=2)
    assert refusal.value.data == {
        "name": "NoCapacityError",
        "provision": {
            "holder": f"user:{ada.uuid}",
            "source": f"project:{ada.uuid}",
            "resource": "cyclades.vm",
            "quantity": 2,
        },
        "limit": 2,
        "usage": 1,
    }
    forced = accounts.issue(provisions_for(ada.uuid, ada.uuid, {"cyclades.vm": 2}), name="test", force=True)
    assert use(accounts, ada, "vm") == (3, 2)
    accounts.resolve([], [forced])


def test_what_nobody_has_cannot_be_charged(accounts: Accounts, ada: Person) -> None:
    with pytest.raises(ItemNotFound) as refusal:
        accounts.issue([Provision(f"user:{ada.uuid}", None, "cyclades.vm", 1)], name="test")
    assert refusal.value.data is not None
    assert refusal.value.data["name"] == "NoHoldingError"


def test_old_undecided_serials_are_pending(accounts: Accounts, ada: Person) -> None:
    serial = charge(accounts, ada, vm=1)
    assert accounts.pending(issued_before=timezone.now() - datetime.timedelta(minutes=1)) == []
    assert accounts.pending(issued_before=timezone.now() + datetime.timedelta(minutes=1)) == [serial]
    accounts.resolve([serial], [])
    assert accounts.pending(issued_before=timezone.now() + datetime.timedelta(minutes=1)) == []


def test_quotas_of_the_unknown_are_empty(accounts: Accounts, ada: Person, bob: Person) -> None:
    assert accounts.quotas(ada.uuid, bob.uuid) == {}
    assert accounts.quotas("nobody", "nowhere") == {}


def test_shares_are_told_of_every_project(accounts: Accounts, ada: Person, bob: Person) -> None:
    charge(accounts, ada, vm=2)
    shares, in_one = accounts.shares(ada.uuid), accounts.quotas(ada.uuid, ada.uuid)
    assert shares[ada.uuid]["cyclades.vm"] == in_one["cyclades.vm"]
    assert accounts.shares(ada.uuid).keys() == {ada.uuid}
    assert accounts.shares("nobody") == {}


def test_all_that_is_held_of_a_resource_is_told(accounts: Accounts, ada: Person, bob: Person) -> None:
    charge(accounts, ada, vm=2)
    found = {(one.holder, one.source): (one.usage, one.pending) for one in accounts.held("cyclades.vm")}
    assert found[f"user:{ada.uuid}", f"project:{ada.uuid}"] == (2, 2)
    assert found[f"project:{ada.uuid}", None] == (2, 2)
    assert found[f"user:{bob.uuid}", f"project:{bob.uuid}"] == (0, 0)
    assert accounts.held("cyclades.nothing") == []


def test_names_of_users(accounts: Accounts, ada: Person, bob: Person) -> None:
    wanted = [ada.uuid, bob.uuid, "unknown"]
    assert accounts.names(wanted) == {ada.uuid: "ada@example.org", bob.uuid: "bob@example.org"}
    assert accounts.names([]) == {}


def test_users_are_found_by_a_part_of_their_email(accounts: Accounts, ada: Person, bob: Person) -> None:
    assert accounts.users_like("ADA@ex") == [ada.uuid]
    assert set(accounts.users_like("example.org")) >= {ada.uuid, bob.uuid}
    assert accounts.users_like("nobody@") == []


def test_a_wrong_service_token_is_not_the_users_fault(cloud: None) -> None:
    with pytest.raises(ServiceUnavailable):
        over_http("wrong").identify("whatever")


@pytest.mark.parametrize("status", [500, 200])
def test_an_astakos_that_fails_is_a_service_out_of_reach(status: int) -> None:
    handle = httpx.MockTransport(lambda request: httpx.Response(status, text="<html>no</html>"))
    with pytest.raises(ServiceUnavailable):
        over_http("any", handle).identify("whatever")


def test_answers_about_tokens_are_remembered_for_a_moment(
    person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = person("ada")
    accounts = over_http(renew_service_token(SYSTEM, find_component("cyclades")))
    accounts.identify(ada.token)
    Token.objects.all().delete()
    assert accounts.identify(ada.token).user == ada.uuid
    later = time.monotonic() + 6
    monkeypatch.setattr("synnefo.common.accounts_http.time.monotonic", lambda: later)
    with pytest.raises(Unauthorized):
        accounts.identify(ada.token)


def test_while_astakos_is_away_what_is_known_of_tokens_is_for_reading(
    person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = person("ada")
    accounts = over_http(renew_service_token(SYSTEM, find_component("cyclades")))
    known = accounts.identify(ada.token)
    assert not known.remembered
    start = time.monotonic()

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host")

    monkeypatch.setattr(
        accounts, "_client", httpx.Client(transport=httpx.MockTransport(away), base_url="http://x")
    )
    for later in (start + 6, start + 3500):
        monkeypatch.setattr("synnefo.common.accounts_http.time.monotonic", lambda at=later: at)
        assert accounts.identify(ada.token) == dataclasses.replace(known, remembered=True)
    monkeypatch.setattr("synnefo.common.accounts_http.time.monotonic", lambda: start + 3700)
    with pytest.raises(ServiceUnavailable):
        accounts.identify(ada.token)
    with pytest.raises(ServiceUnavailable):
        accounts.identify("never seen")


DAY = ("20260102", "us-east-1", "s3")


@pytest.fixture
def key(ada: Person) -> tuple[str, str]:
    """Ada's access key in her own project, and its secret."""
    row, secret = keys.create(SYSTEM, ada.user, projects.get(ada.uuid))
    return row.access, secret


def signing_key(accounts: Accounts, access: str, *scope: str) -> tuple[Identity, bytes]:
    return accounts.signing_key(access, *(scope or DAY), address="192.0.2.7")


def test_an_access_key_tells_its_user_and_what_it_signs_with(
    accounts: Accounts, ada: Person, key: tuple[str, str]
) -> None:
    access, secret = key
    identity, signs = signing_key(accounts, access)
    expected = f"AWS4{secret}".encode()
    for part in (*DAY, "aws4_request"):
        expected = hmac.digest(expected, part.encode(), "sha256")
    assert signs == expected
    assert (identity.user, identity.project, identity.projects) == (ada.uuid, ada.uuid, {ada.uuid})
    assert (identity.roles, identity.read_only) == ({"member", "reader"}, False)
    assert identity.confined
    assert signing_key(accounts, access, "20260103", *DAY[1:])[1] != signs


def test_a_key_of_a_reader_is_for_reading(accounts: Accounts, ada: Person, bob: Person) -> None:
    project = projects.get(ada.uuid)
    Assignment.objects.create(user=bob.user, project=project, role=effective.READER)
    row, _ = keys.create(SYSTEM, bob.user, project)
    identity, _ = signing_key(accounts, row.access)
    assert (identity.user, identity.project) == (bob.uuid, ada.uuid)
    assert (identity.roles, identity.read_only) == ({"reader"}, True)
    Assignment.objects.all().delete()
    row, _ = keys.create(SYSTEM, bob.user, projects.get(bob.uuid))
    assert not signing_key(accounts, row.access)[0].read_only


@pytest.mark.parametrize("spoil", ["unknown", "NUL", "service", "inactive", "suspended", "left", "terms"])
def test_a_key_that_is_no_good_signs_nothing(
    accounts: Accounts, ada: Person, key: tuple[str, str], spoil: str
) -> None:
    access, scope = key[0], list(DAY)
    if spoil in ("unknown", "NUL"):
        access = "unknown" if spoil == "unknown" else "\x00"
    if spoil == "service":
        scope[2] = "iam"
    if spoil == "inactive":
        rules.deactivate(SYSTEM, ada.user)
    if spoil == "suspended":
        Project.objects.update(state=Project.State.SUSPENDED)
    if spoil == "left":
        Membership.objects.all().delete()
    if spoil == "terms":
        type(ada.user).objects.update(terms_due=timezone.now())
    with pytest.raises(Unauthorized):
        signing_key(accounts, access, *scope)


def test_who_tries_many_keys_is_told_to_wait(accounts: Accounts, key: tuple[str, str], settings: Any) -> None:
    settings.ASTAKOS_LOGIN_ATTEMPTS = "3/m/ip"
    for number in range(3):
        with pytest.raises(Unauthorized):
            signing_key(accounts, f"guess-{number}")
    with pytest.raises(TooManyRequests):
        signing_key(accounts, "guess-3")
    assert signing_key(accounts, key[0])  # who knows one is not kept waiting


def test_a_program_signs_in_by_a_user_and_a_secret_of_his(
    accounts: Accounts, ada: Person, bob: Person
) -> None:
    token, _ = tokens.create_api_token(SYSTEM, ada.user, "disk")
    made = access.create(
        SYSTEM, ada.user, "backup", project=ada.uuid, lifetime=access.DAY, services=["object-store"]
    )
    assert made.secret is not None
    name = ada.user.username
    for user in (ada.uuid, name.upper()):
        identity = accounts.program(user, token, address="192.0.2.7")
        assert (identity.user, identity.project) == (ada.uuid, None)
        identity = accounts.program(user, made.secret, address="192.0.2.7")
        assert (identity.user, identity.project, identity.projects) == (ada.uuid, ada.uuid, {ada.uuid})
        assert (identity.services, identity.confined, identity.read_only) == ({"object-store"}, True, False)
    for user, secret in ((bob.uuid, token), (bob.uuid, made.secret), (name, "wrong"), ("\0", "\0")):
        with pytest.raises(Unauthorized):
            accounts.program(user, secret, address="192.0.2.7")


def test_who_guesses_the_secret_of_a_program_is_told_to_wait(
    accounts: Accounts, ada: Person, settings: Any
) -> None:
    settings.ASTAKOS_LOGIN_ATTEMPTS = "2/m/key"
    for number in range(2):
        with pytest.raises(Unauthorized):
            accounts.program(ada.uuid, f"guess-{number}", address="192.0.2.7")
    with pytest.raises(TooManyRequests):
        accounts.program(ada.uuid, "guess-2", address="192.0.2.7")


BACK = "https://files.example.org/view"


@pytest.fixture
def viewer(ada: Person) -> tuple[str, str]:
    """A client of 0.21's OAuth 2 flow, and a code that it got for a file of Ada's."""
    added, _ = oauth.add_client(SYSTEM, "view", urls=[BACK], secret="the secret", trusted=True)
    return "view", oauth.make_code(added.client, ada.user, BACK, "/a/c/o?")


def redeem(accounts: Accounts, code: str, back: str = BACK, secret: str = "the secret") -> str:
    return accounts.redeem_code(code, back, ("view", secret), address="192.0.2.7")


def test_a_code_becomes_a_token_that_opens_one_place(
    accounts: Accounts, ada: Person, viewer: tuple[str, str]
) -> None:
    token = redeem(accounts, viewer[1])
    identity = accounts.identity_of_access(token, "/a/c/o?")
    assert (identity.user, identity.projects) == (ada.uuid, {ada.uuid})
    for other in ("/a/c/o2?", "/a/c/", ""):
        with pytest.raises(Unauthorized):
            accounts.identity_of_access(token, other)
    with pytest.raises(Unauthorized):
        accounts.identity_of_access("unknown", "/a/c/o?")


@pytest.mark.parametrize("spoil", ["code", "used", "back", "secret"])
def test_a_code_is_good_once_for_its_client(accounts: Accounts, viewer: tuple[str, str], spoil: str) -> None:
    code = "unknown" if spoil == "code" else viewer[1]
    if spoil == "used":
        redeem(accounts, code)
    more = {"back": {"back": f"{BACK}/other"}, "secret": {"secret": "another"}}.get(spoil, {})
    with pytest.raises(Unauthorized):
        redeem(accounts, code, **more)
