"""Public links over HTTP: made by a header, read without a token, ended, locked by a password."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from synnefo.common import attempts
from synnefo.pithos.namespace.models import PublicLink, Version
from tests.pithos.conftest import Api
from tests.pithos_kit import body_of

HTML = {"Accept": "text/html"}


def publish(api: Api, path: str = "c/o") -> str:
    """The path of its link."""
    assert api("POST", f"{path}?update", X_Object_Public="true").status_code == 202
    url: str = api("HEAD", path)["X-Object-Public"]
    assert url.startswith("http://testserver/pithos/public/")
    return url.removeprefix("http://testserver")


@pytest.fixture
def stranger() -> Client:
    cache.clear()
    return Client()


def lock(password: str = "sesame") -> None:
    from django.contrib.auth.hashers import make_password

    PublicLink.objects.update(password=make_password(password))


def test_whoever_knows_the_address_reads(api: Api, stranger: Client) -> None:
    api.put("c/dir/o", "hello", X_Object_Meta_A="secret", Content_Encoding="identity")
    link = publish(api, "c/dir/o")
    found = stranger.get(link)
    assert (found.status_code, body_of(found)) == (200, b"hello")
    assert found["Content-Type"] == "text/plain"
    assert found["Content-Disposition"] == 'inline; filename="dir/o"'
    assert (found["Available"], found["Content-Encoding"]) == ("1", "identity")
    assert found["ETag"] == api("HEAD", "c/dir/o")["ETag"]
    assert found["Content-Security-Policy"] == "sandbox; default-src 'none'"
    head = stranger.head(link)
    assert (head.status_code, head["Content-Length"], head.content) == (200, "5", b"")
    for response in (found, head):
        assert not [name for name in response.headers if name.lower().startswith("x-object")]
    attached = stranger.get(f"{link}?disposition-type=attachment")
    assert attached["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "COPY", "MOVE", "PATCH"])
def test_other_methods_are_not_allowed(api: Api, stranger: Client, method: str) -> None:
    api.put("c/o", "hello")
    response = stranger.generic(method, publish(api))
    assert (response.status_code, response["Allow"]) == (405, "GET,HEAD")


def test_conditions_and_ranges(api: Api, stranger: Client) -> None:
    api.put("c/o", "abcdefghij")
    link = publish(api)
    head = stranger.head(link)
    assert stranger.get(link, headers={"If-None-Match": head["ETag"]}).status_code == 304
    assert stranger.get(link, headers={"If-Modified-Since": head["Last-Modified"]}).status_code == 304
    assert stranger.get(link, headers={"If-Match": "other"}).status_code == 412
    assert stranger.head(link, headers={"If-None-Match": head["ETag"]}).status_code == 200
    part = stranger.get(link, headers={"Range": "bytes=2-4"})
    assert (part.status_code, body_of(part), part["Content-Range"]) == (206, b"cde", "bytes 2-4/10")
    assert stranger.get(link, headers={"Range": "bytes=2-4,6-7"}).status_code == 206
    assert stranger.get(link, headers={"Range": "bytes=20-"}).status_code == 416


def test_what_is_not_published_is_not_found(stranger: Client, api: Api) -> None:
    for link in ("", "other", "a%00b", "%ff", "x" * 300, "../object-store", "αβγ", "a/b"):
        for method in ("GET", "HEAD"):
            assert stranger.generic(method, f"/pithos/public/{link}").status_code in (404, 400), link
    response = stranger.get("/pithos/public")
    assert (response.status_code, response["Location"]) == (302, "public/")


def test_setting_it_twice_changes_nothing_and_anew_the_address(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello")
    first = publish(api)
    assert publish(api) == first
    for value in ("False", "~", "", "false"):
        assert api("POST", "c/o?update", X_Object_Public=value).status_code == 202
        assert "X-Object-Public" not in api("HEAD", "c/o")
    assert stranger.get(first).status_code == 404
    assert publish(api) != first


def test_clients_may_say_back_what_they_were_told(api: Api) -> None:
    api.put("c/o", "hello")
    publish(api)
    head = api("HEAD", "c/o")
    told = {name: value for name, value in head.items() if name.startswith("X-Object")}
    assert "X-Object-Public" in told
    assert api("POST", "c/o", **{**told, "X-Object-Meta-Mtime": "1"}).status_code == 202
    assert api("HEAD", "c/o")["X-Object-Public"] == head["X-Object-Public"]
    assert api("PUT", "c/o", b"x", "text/plain", X_Object_Public=head["X-Object-Public"]).status_code == 201
    for value in ("https://elsewhere/pithos/public/abc", "maybe", "http://testserver/pithos/public/"):
        assert api("POST", "c/o", X_Object_Public=value).status_code == 400
        assert api("PUT", "c/new", b"x", "text/plain", X_Object_Public=value).status_code == 400
    assert api("HEAD", "c/new").status_code == 404


def test_every_way_of_writing_may_publish(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello", X_Object_Public="true")
    assert api("PUT", "c/p", b"", X_Copy_From="/c/o", X_Object_Public="true").status_code == 201
    assert api("COPY", "c/o", Destination="/c/q", X_Object_Public="true").status_code == 201
    octets = "application/octet-stream"
    api.put("c/r", "hello")
    assert (
        api("POST", "c/r", b"!", octets, Content_Range="bytes */*", X_Object_Public="true").status_code == 204
    )
    urls = {api("HEAD", f"c/{name}")["X-Object-Public"] for name in "opqr"}
    assert len(urls) == 4
    assert api("PUT", "c/p", b"", X_Copy_From="/c/o", X_Object_Public="False").status_code == 201
    assert "X-Object-Public" not in api("HEAD", "c/p")


def test_a_link_stays_with_its_path(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello")
    link = publish(api)
    api.put("c/o", "other")
    assert body_of(stranger.get(link)) == b"other"
    assert api("HEAD", "c/o")["X-Object-Public"].endswith(link)
    version = api("HEAD", "c/o")["X-Object-Version"]
    assert "X-Object-Public" not in api("HEAD", f"c/o?version={version}")
    api("DELETE", "c/o")
    assert stranger.get(link).status_code == 404


def test_an_ended_link_is_not_found(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello")
    link = publish(api)
    PublicLink.objects.update(expires=timezone.now() + datetime.timedelta(hours=1))
    assert stranger.get(link).status_code == 200
    PublicLink.objects.update(expires=timezone.now())
    assert stranger.get(link).status_code == 404
    assert "X-Object-Public" not in api("HEAD", "c/o")


def test_an_object_that_is_over_is_not_found(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello")
    link = publish(api)
    Version.objects.update(expires=timezone.now())
    assert stranger.get(link).status_code == 404
    assert api("POST", "c/o?update", X_Object_Public="true").status_code == 404


def test_a_password_is_asked_for_by_basic(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello")
    link = publish(api)
    lock()
    refused = stranger.get(link)
    assert (refused.status_code, refused["WWW-Authenticate"].startswith("Basic ")) == (401, True)
    assert b"hello" not in refused.content

    def basic(text: str) -> dict[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}

    assert body_of(stranger.get(link, headers=basic("any:sesame"))) == b"hello"
    assert stranger.head(link, headers=basic("any:sesame")).status_code == 200
    for wrong in (
        basic("any:other"),
        basic("sesame"),
        {"Authorization": "Basic ???"},
        {"Authorization": "Basic"},
    ):
        assert stranger.get(link, headers=wrong).status_code == 401


def test_a_password_is_asked_for_on_a_page(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello")
    link = publish(api)
    lock()
    page = stranger.get(link, headers=HTML)
    assert (page.status_code, "WWW-Authenticate" in page) == (401, False)
    assert b'type="password"' in page.content
    assert "form-action 'self'" in page["Content-Security-Policy"]
    again = stranger.post(link, {"password": "other"}, headers=HTML)
    assert (again.status_code, b"not the password" in again.content) == (401, True)
    done = stranger.post(link, {"password": "sesame"}, headers=HTML)
    assert (done.status_code, done["Location"]) == (303, link)
    cookie = done.cookies["pithos_public"]
    assert (cookie["path"], cookie["httponly"]) == (link, True)
    assert body_of(stranger.get(link, headers=HTML)) == b"hello"
    lock("another")
    assert stranger.get(link, headers=HTML).status_code == 401


def test_guessing_passwords_is_slow(api: Api, stranger: Client) -> None:
    api.put("c/o", "hello")
    link = publish(api)
    lock()
    for _ in range(attempts.MOST_OF_AN_ADDRESS):
        assert stranger.post(link, {"password": "other"}).status_code == 401
    assert stranger.post(link, {"password": "sesame"}).status_code == 429
    token = base64.b64encode(b"any:sesame").decode()
    assert stranger.get(link, headers={"Authorization": f"Basic {token}"}).status_code == 429
    other = Client(REMOTE_ADDR="192.0.2.7")
    assert other.post(link, {"password": "sesame"}).status_code == 303


def test_one_host_shows_what_strangers_may_see(api: Api, stranger: Client, settings: Any) -> None:
    api.put("c/o", "hello")
    link = publish(api)
    settings.PITHOS_UNSAFE_DOMAIN = "files.example.org"
    for method in ("GET", "HEAD"):
        response = stranger.generic(method, f"{link}?disposition-type=inline")
        assert response.status_code == 302
        assert response["Location"] == f"http://files.example.org{link}?disposition-type=inline"
    assert stranger.put(link).status_code == stranger.post(link, {"password": "x"}).status_code == 403
    there = Client(SERVER_NAME="files.example.org")
    assert body_of(there.get(link)) == b"hello"
