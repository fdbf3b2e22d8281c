"""Who reaches which bucket through S3: members, readers, strangers, nobody; how requests must be signed."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from synnefo.astakos.accounts import rules
from synnefo.astakos.keys.models import AccessKey
from synnefo.pithos.namespace.models import Container, Object, Share, Version
from tests.conftest import SYSTEM, People
from tests.pithos_kit import body_of
from tests.pithos_s3.conftest import Api, Team, error, key_of, texts

pytestmark = pytest.mark.django_db

READS = [
    ("GET", "/{}/team", ""),
    ("HEAD", "/{}/team", ""),
    ("GET", "/{}/team", "location"),
    ("GET", "/{}/team", "versions"),
    ("GET", "/{}/team", "versioning"),
    ("GET", "/{}/team/o", ""),
    ("HEAD", "/{}/team/o", ""),
]
WRITES = [
    ("PUT", "/{}/new", ""),
    ("DELETE", "/{}/team", ""),
    ("PUT", "/{}/team", "versioning"),
    ("PUT", "/{}/team/o", ""),
    ("DELETE", "/{}/team/o", ""),
    ("DELETE", "/{}/team/o", "versionId=1"),
    ("POST", "/{}/team", "delete"),
    ("POST", "/{}/team/o", "uploads"),
]
BODIES = {
    "versioning": "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    "delete": "<Delete><Object><Key>o</Key></Object></Delete>",
}


def ask(api: Api, method: str, path: str, query: str) -> Any:
    from tests.pithos_s3.test_objects import content_md5

    body = BODIES.get(query, "").encode()
    headers = {"content_md5": content_md5(body)} if body else {}
    return api(method, path, body, query=query, **headers)


def state() -> tuple[Any, ...]:
    return (
        list(Container.objects.values("name", "options", "versioning", "object_count").order_by("pk")),
        list(Version.objects.values("pk", "state", "hash", "attributes").order_by("pk")),
        Object.objects.count(),
    )


@pytest.mark.parametrize(("method", "path", "query"), READS + WRITES)
def test_strangers_and_nobody_reach_nothing(
    team: Team, new_person: Any, nobody: Api, method: str, path: str, query: str
) -> None:
    before = state()
    for api in (key_of(new_person("carol")), nobody):
        refused = ask(api, method, path.format(team.project), query)
        assert refused.status_code == 403, refused.content
        if method != "HEAD":
            assert error(refused)[1] == "AccessDenied"
    assert state() == before


@pytest.mark.parametrize(("method", "path", "query"), READS + WRITES)
def test_members_reach_all_and_readers_read(team: Team, method: str, path: str, query: str) -> None:
    before, is_read = state(), (method, path, query) in READS
    answer = ask(team.reader, method, path.format(team.project), query)
    assert (answer.status_code == 200) is is_read, answer.content
    assert state() == before
    answer = ask(team.mate, method, path.format(team.project), query)
    assert answer.status_code in (200, 204, 409), answer.content


def test_a_key_works_in_its_project_alone(team: Team, people: People, api: Api) -> None:
    """Alice's key of her own project does not reach that of the team, whose member she is."""
    assert texts(team.member("GET", "/"), "Buckets/Bucket/Name") == ["team"]
    assert texts(api("GET", "/"), "Buckets/Bucket/Name") == ["bucket"]
    assert error(api("GET", f"/{team.project}/team/o")) == (403, "AccessDenied")
    assert error(team.member("GET", f"/{people.alice.user.uuid}/bucket")) == (403, "AccessDenied")
    refused = api("PUT", "/bucket/copy", x_amz_copy_source=f"/{team.project}/team/o")
    assert error(refused) == (403, "AccessDenied")


def test_nobody_reads_what_is_open_to_everybody(team: Team, nobody: Api) -> None:
    row = Container.objects.get(name="team")
    path = f"/{team.project}/team"
    row.options = {"acl": {"read": ".r:*,.rlistings"}}
    row.save()
    assert body_of(nobody("GET", f"{path}/o")) == b"team's"
    assert texts(nobody("GET", path), "Contents/Key") == ["o"]
    assert error(nobody("PUT", f"{path}/o", "x")) == (403, "AccessDenied")
    assert error(nobody("DELETE", f"{path}/o")) == (403, "AccessDenied")
    assert error(nobody("GET", "/team/o"))[0] in (403, 404)
    assert error(nobody("GET", "/")) == (403, "AccessDenied")
    row.options = {}
    row.save()
    Share.objects.create(object=Object.objects.get(name="o"), who=Share.EVERYBODY)
    assert body_of(nobody("GET", f"{path}/o")) == b"team's"
    assert error(nobody("GET", path)) == (403, "AccessDenied")


def test_what_is_shared_with_somebody_he_reads(team: Team, people: People, new_person: Any) -> None:
    carol = new_person("carol")
    Share.objects.create(object=Object.objects.get(name="o"), who=carol.user.uuid)
    api = key_of(carol)
    assert api.read(f"/{team.project}/team/o") == b"team's"
    assert error(api("PUT", f"/{team.project}/team/o", "x")) == (403, "AccessDenied")
    assert api("PUT", "/mine").status_code == 200
    api.put("/mine/copy", x_amz_copy_source=f"/{team.project}/team/o")
    assert api.read("/mine/copy") == b"team's"


def test_links_that_are_signed_beforehand(api: Api, nobody: Api) -> None:
    api.put("/bucket/o", "content")

    def follow(url: str, method: str = "GET", data: bytes = b"") -> Any:
        return nobody.send(method, url, data, {})

    url = api.presigned("GET", "/bucket/o", query="response-content-type=text%2Fx")
    found = follow(url)
    assert (body_of(found), found["Content-Type"]) == (b"content", "text/x")
    assert follow(api.presigned("PUT", "/bucket/new"), "PUT", b"new").status_code == 200
    assert api.read("/bucket/new") == b"new"
    assert error(follow(url, "PUT", b"x")) == (403, "SignatureDoesNotMatch")
    assert error(follow(url.replace("/o?", "/new?"))) == (403, "SignatureDoesNotMatch")
    assert error(follow(url.replace("Expires=60", "Expires=61"))) == (403, "SignatureDoesNotMatch")
    assert error(follow(url + "&versionId=1")) == (403, "SignatureDoesNotMatch")
    for spoilt in ("Expires=x", "Expires=604801", "Expires=-1"):
        refused = follow(url.replace("Expires=60", spoilt))
        assert error(refused) == (400, "AuthorizationQueryParametersError")
    refused = follow(url.replace("X-Amz-Expires", "x-other"))
    assert error(refused) == (400, "AuthorizationQueryParametersError")
    with time_machine.travel(timezone.now() + datetime.timedelta(seconds=62), tick=False):
        assert error(follow(url)) == (403, "AccessDenied")


def test_requests_that_are_too_old_or_of_the_future(api: Api) -> None:
    url = f"http://{api.host}/bucket"
    for minutes in (-16, 16):
        with time_machine.travel(timezone.now() + datetime.timedelta(minutes=minutes), tick=False):
            headers = api.signed("GET", url, b"", {})
        assert error(api.send("GET", url, b"", headers)) == (403, "RequestTimeTooSkewed")


def test_headers_that_are_spoilt(api: Api) -> None:
    url = f"http://{api.host}/bucket"
    good = api.signed("GET", url, b"", {})
    assert api.send("GET", url, b"", good).status_code == 200
    text = good["Authorization"]
    for spoilt, expected in {
        "AWS key:signature": (400, "InvalidRequest"),
        "Basic eDp5": (400, "InvalidRequest"),
        "AWS4-HMAC-SHA256": (400, "AuthorizationHeaderMalformed"),
        text.replace("/s3/", "/iam/"): (400, "AuthorizationHeaderMalformed"),
        text.replace(api.access, "unknown"): (403, "InvalidAccessKeyId"),
        text.replace(api.access + "/20", api.access + "/19"): (400, "AuthorizationHeaderMalformed"),
        text.replace("host;", ""): (403, "AccessDenied"),
        text[:-1] + ("0" if text[-1] != "0" else "1"): (403, "SignatureDoesNotMatch"),
        text[:-64]: (403, "SignatureDoesNotMatch"),
    }.items():
        assert error(api.send("GET", url, b"", {**good, "Authorization": spoilt})) == expected, spoilt
    for name, value, code in (
        ("X-Amz-Date", "now", "AccessDenied"),
        ("X-Amz-Content-SHA256", "x", "InvalidArgument"),
        ("X-Amz-Content-SHA256", "", "InvalidRequest"),
        ("x-amz-acl", "public-read", "AccessDenied"),
        ("x-amz-security-token", "x", "InvalidToken"),
    ):
        assert error(api.send("GET", url, b"", {**good, name: value}))[1] == code, name
    twice = api.presigned("GET", "/bucket")
    assert error(api.send("GET", twice, b"", good)) == (400, "InvalidArgument")


def test_a_key_whose_user_is_gone_is_no_good(api: Api, people: People) -> None:
    rules.deactivate(SYSTEM, people.alice.user)
    assert error(api("GET", "/bucket")) == (403, "InvalidAccessKeyId")
    AccessKey.objects.all().delete()
    assert error(api("GET", "/bucket")) == (403, "InvalidAccessKeyId")


def test_while_accounts_are_away_what_is_known_is_for_reading(api: Api, monkeypatch: Any) -> None:
    import dataclasses

    from synnefo.astakos import seam

    known = seam.InProcessAccounts.signing_key

    def away(self: Any, *scope: str, address: str) -> Any:
        identity, key = known(self, *scope, address=address)
        return dataclasses.replace(identity, remembered=True), key

    monkeypatch.setattr(seam.InProcessAccounts, "signing_key", away)
    assert api("GET", "/bucket").status_code == 200
    assert error(api("PUT", "/bucket/o", "x")) == (503, "ServiceUnavailable")


def test_hosts_that_name_buckets(api: Api, nobody: Api, people: People, settings: Any) -> None:
    settings.PITHOS_S3_DOMAINS = ["s3.example.org"]
    account = people.alice.user.uuid
    api.put("/bucket/a/b", "x")
    for host, path in {
        "bucket.s3.example.org": "/a/b",
        "bucket.s3.example.org:8083": "/a/b",
        "s3.example.org": "/bucket/a/b",
        f"{account}.s3.example.org": "/bucket/a/b",
        f"bucket.{account}.s3.example.org:8083": "/a/b",
        "s3.example.org:8083": f"/{account}/bucket/a/b",
    }.items():
        there = Api(api.access, api.secret, host=host)
        assert there.read(path) == b"x", host
    there = Api(api.access, api.secret, host="bucket.s3.example.org")
    assert texts(there("GET", "/"), "Contents/Key") == ["a/b"]
    assert error(there("GET", "/none")) == (404, "NoSuchKey")
    Container.objects.update(options={"acl": {"read": ".r:*"}})
    assert body_of(Api(host=f"bucket.{account}.s3.example.org")("GET", "/a/b")) == b"x"


def test_only_owners_grant(team: Team, new_person: Any) -> None:
    carol = new_person("carol")
    row = Container.objects.get(name="team")
    row.options = {"acl": {"write": carol.user.uuid}}
    row.save()
    api, path = key_of(carol), f"/{team.project}/team/hers"
    before = Version.objects.count()
    assert error(api("PUT", path, "x", x_amz_acl="public-read")) == (403, "AccessDenied")
    assert Version.objects.count() == before
    api.put(path, "x", x_amz_acl="bucket-owner-full-control")
    assert team.member.read(path) == b"x"


def test_the_owner_may_be_said(api: Api, people: People) -> None:
    assert api("GET", "/bucket", x_amz_expected_bucket_owner=people.alice.user.uuid).status_code == 200
    refused = api("GET", "/bucket", x_amz_expected_bucket_owner=people.bob.user.uuid)
    assert error(refused) == (403, "AccessDenied")
