"""The OpenID Connect provider, as a client of it sees it: sign-in, consent, tokens, who somebody is."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from allauth.idp.oidc.models import Token as ClientToken
from django.core.cache import cache
from django.db import connections
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.oauth import keys, rules
from synnefo.astakos.oauth.models import SigningKey
from synnefo.common.caller import system_caller
from synnefo.common.faults import Unauthorized
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db

SYSTEM = system_caller("test")
ROOT = "/astakos/oauth2"
BACK = "https://wiki.example.org/callback"
SCOPE = "openid profile email"


class Program:
    """A relying party: a client, what it remembers of one sign-in, and the requests that it makes."""

    def __init__(self, **fields: Any) -> None:
        fields = {"urls": [BACK], "name": "The wiki", **fields}
        self.client, self.secret = rules.add_client(SYSTEM, f"wiki-{secrets.token_hex(4)}", **fields)
        self.verifier = secrets.token_urlsafe(48)
        self.http = Browser()

    @property
    def id(self) -> str:
        return self.client.client_id

    def address(self, **changes: str | None) -> str:
        """Where it sends a browser to; None leaves a parameter out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        given = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "scope": SCOPE,
            "state": "s1",
            "nonce": "n1",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        query = urlencode({name: text for name, text in given.items() if text is not None})
        return f"{ROOT}/o/authorize?{query}"

    def token(self, secret: str | None = None, **fields: str) -> Any:
        login = f"{self.id}:{self.secret if secret is None else secret}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}"} if self.secret else {}
        body = fields if self.secret else {"client_id": self.id, **fields}
        return self.http.post(f"{ROOT}/o/token", body, headers=headers)

    def redeem(self, code: str, **changes: str) -> Any:
        fields = {"code": code, "redirect_uri": BACK, "code_verifier": self.verifier, **changes}
        return self.token(grant_type="authorization_code", **fields)

    def userinfo(self, access_token: str) -> Any:
        return self.http.get(f"{ROOT}/o/userinfo", headers={"Authorization": f"Bearer {access_token}"})


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


@pytest.fixture
def browser(ada: Person) -> Browser:
    return signed_in(ada)


def signed_in(person: Person) -> Browser:
    browser = Browser()
    browser.force_login(person.user, "synnefo.astakos.accounts.backend.PasswordBackend")
    return browser


def answer_in(response: Any) -> dict[str, str]:
    """What comes back to the client: in the redirect, or on the page that goes on by itself."""
    if response.status_code == 200:
        url = html.unescape(re.search(r'id="go-on" href="([^"]+)"', response.content.decode())[1])
    else:
        assert response.status_code == 302, response.content
        url = response["Location"]
    assert url.startswith(f"{BACK}?"), url
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def consent(browser: Browser, program: Program, **changes: Any) -> Any:
    page = browser.get(program.address())
    assert page.status_code == 200, page
    request = html.unescape(re.search(r'name="request" value="([^"]+)"', page.content.decode())[1])
    fields = {"request": request, "scopes": SCOPE.split(), "action": "grant", **changes}
    return browser.post(f"{ROOT}/o/authorize", fields)


def test_discovery_tells_what_there_is(cloud: None, http: Browser) -> None:
    about = http.get(f"{ROOT}/.well-known/openid-configuration").json()
    assert about["issuer"] == "http://testserver/astakos/oauth2"
    assert about["response_types_supported"] == ["code"]
    assert about["code_challenge_methods_supported"] == ["S256"]
    for name in ("token_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint"):
        path = urlsplit(about[name]).path
        assert http.get(path).status_code != 404, name
    (key,) = http.get(urlsplit(about["jwks_uri"]).path).json()["keys"]
    assert key["kty"] == "RSA"
    assert "d" not in key


def test_somebody_signs_in_consents_and_the_client_knows_who_he_is(ada: Person) -> None:
    program, browser = Program(), Browser()
    start = browser.get(program.address())
    assert start.status_code == 302
    assert start["Location"].startswith("/ui/login/?next=")
    browser = signed_in(ada)
    page = browser.get(program.address())
    assert "Allow The wiki?" in page.content.decode()
    answered = consent(browser, program)
    back = answer_in(answered)
    assert back["state"] == "s1"
    made = program.redeem(back["code"]).json()
    assert made["token_type"] == "Bearer"
    assert "no-store" in program.redeem(back["code"]).get("Cache-Control", "no-store")
    jwks = program.http.get(f"{ROOT}/.well-known/jwks.json").json()
    key = jwt.PyJWKSet.from_dict(jwks)[jwt.get_unverified_header(made["id_token"])["kid"]]
    claims = jwt.decode(
        made["id_token"], key, ["RS256"], audience=program.id, issuer="http://testserver/astakos/oauth2"
    )
    assert (claims["sub"], claims["nonce"]) == (ada.uuid, "n1")
    told = program.userinfo(made["access_token"]).json()
    assert told == {
        "sub": ada.uuid, "email": "Ada@Example.org", "email_verified": True, "name": "Ada Byron",
        "given_name": "Ada", "family_name": "Byron", "preferred_username": "ada@example.org",
    }  # fmt: skip


def test_he_may_refuse_all_or_some(browser: Browser) -> None:
    program = Program()
    assert answer_in(consent(browser, program, action="cancel"))["error"] == "access_denied"
    back = answer_in(consent(browser, program, scopes=["openid"]))
    token = program.redeem(back["code"]).json()["access_token"]
    assert list(program.userinfo(token).json()) == ["sub"]


def test_a_consent_needs_the_page_that_was_shown(ada: Person) -> None:
    program = Program()
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(ada.user, "synnefo.astakos.accounts.backend.PasswordBackend")
    page = browser.get(program.address()).content.decode()
    request = html.unescape(re.search(r'name="request" value="([^"]+)"', page)[1])
    fields = {"request": request, "scopes": ["openid"], "action": "grant"}
    assert browser.post(f"{ROOT}/o/authorize", fields).status_code == 403
    fields["request"] = request[:-1] + ("A" if request[-1] != "A" else "B")
    fields["csrfmiddlewaretoken"] = browser.cookies["csrftoken"].value
    assert browser.post(f"{ROOT}/o/authorize", fields).status_code == 403


@pytest.mark.parametrize("path", ["o/authorize", "auth"])
def test_terms_of_use_come_first(browser: Browser, ada: Person, path: str, settings: Any) -> None:
    settings.DEBUG = True  # 0.21's flow wants TLS otherwise
    User.objects.filter(pk=ada.user.pk).update(terms_due=timezone.now())
    url = Program(trusted=True).address().replace("o/authorize", path)
    answer = browser.get(url)
    assert answer["Location"] == f"{reverse('terms')}?{urlencode({'next': url})}"
    User.objects.update(terms_due=None)
    assert "code" in answer_in(browser.get(url))


def test_a_trusted_client_asks_nobody(browser: Browser) -> None:
    program = Program(trusted=True)
    assert program.redeem(answer_in(browser.get(program.address()))["code"]).status_code == 200
    from_our_login = browser.get(program.address(), headers={"Referer": "http://testserver/ui/login/"})
    assert from_our_login.status_code == 200  # a page that goes on by itself, as forms here go nowhere else
    assert program.redeem(answer_in(from_our_login)["code"]).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        "https://wiki.example.org/callback/",
        "https://wiki.example.org/callback?more=1",
        "https://wiki.example.org/callback/../other",
        "https://wiki.example.org.evil.example/callback",
        "https://wiki.example.org@evil.example/callback",
        "http://wiki.example.org/callback",
        "https://wiki.example.org:8443/callback",
        "https://evil.example/callback",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_redirect_uri_is_the_registered_one_or_nobody_is_sent_there(browser: Browser, uri: str) -> None:
    answer = browser.get(Program(trusted=True).address(redirect_uri=uri))
    assert answer.status_code in (200, 400)
    assert "Location" not in answer
    assert "go-on" not in answer.content.decode()


def test_a_program_on_the_users_machine_takes_the_port_that_it_gets(browser: Browser) -> None:
    program = Program(urls=["http://127.0.0.1/back"], confidential=False, trusted=True)
    answer = browser.get(program.address(redirect_uri="http://127.0.0.1:51234/back"))
    assert answer["Location"].startswith("http://127.0.0.1:51234/back?")
    for uri in ("http://127.0.0.1:51234/other", "http://localhost:51234/back", "https://127.0.0.1:1/back"):
        assert "Location" not in browser.get(program.address(redirect_uri=uri))


def test_a_code_is_good_once(browser: Browser) -> None:
    program = Program(trusted=True)
    code = answer_in(browser.get(program.address()))["code"]
    assert program.redeem(code).status_code == 200
    again = program.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_for_its_client_its_verifier_and_its_uri(browser: Browser) -> None:
    program, other = Program(trusted=True), Program(trusted=True)

    def code() -> str:
        return answer_in(browser.get(program.address()))["code"]

    assert other.redeem(code()).status_code == 400
    assert program.redeem(code(), code_verifier="x" * 64).status_code == 400
    assert program.redeem(code(), redirect_uri="https://wiki.example.org/").status_code == 400
    assert program.redeem("nothing").json()["error"] == "invalid_grant"


def test_a_code_is_good_for_a_minute(browser: Browser, time_machine: Any) -> None:
    time_machine.move_to("2026-11-21T12:00:00Z", tick=False)
    program = Program(trusted=True)
    code = answer_in(browser.get(program.address()))["code"]
    time_machine.shift(61)
    assert program.redeem(code).status_code == 400


def test_a_public_client_proves_itself_by_its_verifier_alone(browser: Browser) -> None:
    program = Program(confidential=False, trusted=True)
    assert program.secret == ""
    without = browser.get(program.address(code_challenge=None, code_challenge_method=None))
    assert "error" in answer_in(without)
    assert program.redeem(answer_in(browser.get(program.address()))["code"]).status_code == 200


def test_a_wrong_secret_is_refused_and_soon_not_even_looked_at(browser: Browser) -> None:
    program = Program(trusted=True)
    code = answer_in(browser.get(program.address()))["code"]
    statuses = [
        program.token("wrong", grant_type="authorization_code", code=f"{code}{number}").status_code
        for number in range(6)
    ]
    assert statuses == [401, 401, 401, 401, 401, 429]


def test_secrets_codes_and_tokens_are_not_kept_as_they_are(browser: Browser) -> None:
    program = Program(trusted=True)
    made = program.redeem(answer_in(browser.get(program.address()))["code"]).json()
    program.client.client.refresh_from_db()
    kept = str([*ClientToken.objects.values(), *SigningKey.objects.values()]) + str(
        program.client.client.__dict__
    )
    for secret in (program.secret, made["access_token"], made["refresh_token"], "PRIVATE KEY"):
        assert secret not in kept


def test_a_refresh_token_is_exchanged_and_the_old_one_ends(browser: Browser) -> None:
    program = Program(trusted=True)
    first = program.redeem(answer_in(browser.get(program.address()))["code"]).json()
    second = program.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second.status_code == 200
    assert program.userinfo(second.json()["access_token"]).status_code == 200
    again = program.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    stolen = Program(trusted=True).token(
        grant_type="refresh_token", refresh_token=second.json()["refresh_token"]
    )
    assert stolen.status_code == 400


def test_a_client_gets_tokens_for_itself_if_it_may(cloud: None) -> None:
    program = Program(urls=[], grants=["client_credentials"], scopes=["openid"])
    made = program.token(grant_type="client_credentials", scope="openid")
    assert made.status_code == 200
    assert "refresh_token" not in made.json()
    assert program.userinfo(made.json()["access_token"]).status_code in (401, 403)
    assert Program().token(grant_type="client_credentials", scope="openid").status_code == 400


def test_what_is_revoked_is_refused(browser: Browser) -> None:
    program = Program(trusted=True)
    made = program.redeem(answer_in(browser.get(program.address()))["code"]).json()
    login = base64.b64encode(f"{program.id}:{program.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    assert (
        program.http.post(f"{ROOT}/o/revoke", {"token": made["access_token"]}, headers=headers).status_code
        == 200
    )
    assert program.userinfo(made["access_token"]).status_code == 401


@pytest.mark.parametrize("how", ["deactivated", "renewed"])
def test_who_is_deactivated_or_renews_his_tokens_is_signed_out_there_too(
    browser: Browser, ada: Person, how: str
) -> None:
    program = Program(trusted=True)
    code = answer_in(browser.get(program.address()))["code"]
    made = program.redeem(answer_in(browser.get(program.address()))["code"]).json()
    if how == "deactivated":
        accounts.deactivate(SYSTEM, ada.user)
        assert program.redeem(code).status_code == 400
    else:
        tokens.renew(SYSTEM, ada.user)
    assert program.userinfo(made["access_token"]).status_code == 401
    assert program.token(grant_type="refresh_token", refresh_token=made["refresh_token"]).status_code == 400


def test_an_access_token_with_the_scope_api_opens_the_apis_until_it_is_revoked(
    browser: Browser, ada: Person
) -> None:
    program = Program(trusted=True, confidential=False, scopes=["openid", "api"])
    made = program.redeem(answer_in(browser.get(program.address(scope="openid api")))["code"]).json()
    assert tokens.identify(made["access_token"]).user == ada.uuid
    answer = program.http.get("/astakos/account/v1.0/quotas", headers={"X-Auth-Token": made["access_token"]})
    assert answer.status_code == 200
    assert (
        program.http.post(
            f"{ROOT}/o/revoke", {"token": made["access_token"], "client_id": program.id}
        ).status_code
        == 200
    )
    with pytest.raises(Unauthorized):
        tokens.identify(made["access_token"])


def test_a_refresh_token_takes_along_what_was_got_by_it(browser: Browser, ada: Person) -> None:
    program, other = (Program(trusted=True, scopes=["openid", "api"]) for _ in range(2))
    address = {"scope": "openid api"}
    made, kept = (
        each.redeem(answer_in(browser.get(each.address(**address)))["code"]).json()
        for each in (program, other)
    )
    login = base64.b64encode(f"{program.id}:{program.secret}".encode()).decode()
    stranger = base64.b64encode(f"{other.id}:{other.secret}".encode()).decode()
    for who, ended in ((stranger, False), (login, True)):
        program.http.post(
            f"{ROOT}/o/revoke", {"token": made["refresh_token"]}, headers={"Authorization": f"Basic {who}"}
        )
        assert (program.userinfo(made["access_token"]).status_code == 401) is ended
    with pytest.raises(Unauthorized):
        tokens.identify(made["access_token"])
    assert tokens.identify(kept["access_token"]).user == ada.uuid


def test_somebody_sees_what_he_allowed_and_ends_it(browser: Browser, ada: Person, bob: Person) -> None:
    program = Program(trusted=True, scopes=["openid", "email", "api"])
    made = program.redeem(answer_in(browser.get(program.address(scope="openid api")))["code"]).json()
    page = browser.get("/ui/tokens/").content.decode()
    assert "Programs that you allowed" in page
    assert "Use this cloud as you" in page
    assert "Your e-mail address" not in page
    assert "Programs that you allowed" not in signed_in(bob).get("/ui/tokens/").content.decode()
    url = f"/ui/tokens/programs/{program.client.pk}/end/"
    signed_in(bob).post(url)
    assert tokens.identify(made["access_token"]).user == ada.uuid
    assert browser.post(url).status_code == 303
    with pytest.raises(Unauthorized):
        tokens.identify(made["access_token"])
    assert program.userinfo(made["access_token"]).status_code == 401
    assert "may not use your account any more" in browser.get("/ui/tokens/").content.decode()
    assert browser.post("/ui/tokens/programs/99999/end/").status_code == 404


def test_an_access_token_without_it_opens_nothing(browser: Browser) -> None:
    program = Program(trusted=True)
    made = program.redeem(answer_in(browser.get(program.address()))["code"]).json()
    with pytest.raises(Unauthorized):
        tokens.identify(made["access_token"])


def test_a_client_asks_for_what_it_was_given_alone(browser: Browser) -> None:
    back = answer_in(browser.get(Program(trusted=True).address(scope="openid api")))
    assert back["error"] == "invalid_scope"


def test_a_renewed_key_signs_and_the_old_one_is_known_for_a_day(browser: Browser, http: Browser) -> None:
    program = Program(trusted=True)
    old = program.redeem(answer_in(browser.get(program.address()))["code"]).json()["id_token"]
    keys.renew(SYSTEM)
    new = program.redeem(answer_in(browser.get(program.address()))["code"]).json()["id_token"]
    known = [key["kid"] for key in http.get(f"{ROOT}/.well-known/jwks.json").json()["keys"]]
    ids = [jwt.get_unverified_header(token)["kid"] for token in (old, new)]
    assert known == ids
    assert ids[0] != ids[1]


def test_a_key_that_cannot_be_read_any_more_is_replaced(cloud: None, http: Browser, settings: Any) -> None:
    (before,) = http.get(f"{ROOT}/.well-known/jwks.json").json()["keys"]
    settings.SECRET_KEY = "another one"
    (after,) = http.get(f"{ROOT}/.well-known/jwks.json").json()["keys"]
    assert before["kid"] != after["kid"]


@pytest.mark.parametrize("parameter", ["response_type", "client_id", "redirect_uri", "scope"])
@pytest.mark.parametrize("value", [None, "", "\x00", "nothing", "ä" * 300])
def test_nonsense_is_refused_and_nothing_breaks(browser: Browser, parameter: str, value: str | None) -> None:
    answer = browser.get(Program(trusted=True).address(**{parameter: value}))
    assert answer.status_code in (200, 302, 400)
    if answer.status_code == 302:
        back = answer_in(answer)
        assert "code" in back if parameter == "scope" and value is None else "error" in back


@pytest.mark.parametrize("path", ["token", "revoke"])
def test_nonsense_from_programs_is_refused_and_nothing_breaks(cloud: None, http: Browser, path: str) -> None:
    for login in ("\x00:\x00", "x:\x00", "ä:ö", ":", "nobody:nothing"):
        headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
        for fields in ({}, {"token": "\x00"}, {"grant_type": "refresh_token", "refresh_token": "\x00"}):
            assert http.post(f"{ROOT}/o/{path}", fields, headers=headers).status_code in (400, 401, 429)
    for header in ("Basic", "Basic ?", "Bearer \x00", "Bearer x"):
        assert http.get(f"{ROOT}/o/userinfo", headers={"Authorization": header}).status_code == 401
    for fields in ({"client_id": "\x00"}, {"client_id": "x" * 500, "grant_type": "authorization_code"}):
        assert http.post(f"{ROOT}/o/{path}", fields).status_code in (400, 401, 429)


@pytest.mark.filterwarnings("ignore:The default scheme will be changed")  # in a form of allauth's
def test_a_client_that_sends_somebody_out_is_asked_back(browser: Browser) -> None:
    program = Program(trusted=True)
    made = program.redeem(answer_in(browser.get(program.address()))["code"]).json()
    query = urlencode({"id_token_hint": made["id_token"], "post_logout_redirect_uri": BACK, "state": "bye"})
    page = browser.get(f"{ROOT}/o/logout?{query}").content.decode()
    assert "Sign out of Synnefo, too?" in page
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    left = browser.post(f"{ROOT}/o/logout", {**hidden, "action": "logout"})
    assert answer_in(left) == {"state": "bye"}
    assert browser.get("/ui/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_get_one_token_for_one_code(browser: Browser) -> None:
    program = Program(trusted=True)
    code = answer_in(browser.get(program.address()))["code"]

    def redeem(_: int) -> int:
        try:
            return int(program.redeem(code).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(redeem, range(4)))
    assert statuses == [200, 400, 400, 400]
