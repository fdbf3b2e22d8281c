"""What is set of buckets and objects: access lists, CORS rules, tags; and forms. Request by request."""

from __future__ import annotations

import base64
import datetime
import hmac
import io
import json
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from synnefo.pithos.faces.s3 import forms
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.namespace.models import Container, Share
from tests.pithos_s3.conftest import Api, error, key_of, texts

pytestmark = pytest.mark.django_db

ALL = "http://acs.amazonaws.com/groups/global/AllUsers"


def account_of(api: Api) -> str:
    return texts(api("GET", "/"), "Owner/ID")[0]


@pytest.mark.parametrize(
    ("canned", "lists"),
    [
        ("private", None),
        ("public-read", {"read": ".r:*,.rlistings"}),
        ("public-read-write", {"read": ".r:*,.rlistings", "write": "*:*"}),
        ("authenticated-read", {"read": "*:*"}),
    ],
)
def test_access_lists_of_buckets_are_those_of_swift(api: Api, canned: str, lists: Any) -> None:
    assert api("PUT", "/bucket", query="acl=", x_amz_acl=canned).status_code == 200
    assert Container.objects.get().options.get("acl") == lists
    shown = api("GET", "/bucket", query="acl=")
    entries = 1 + sum(len(text.split(",.rl")[0].split(",")) for text in (lists or {}).values())
    assert len(texts(shown, "AccessControlList/Grant/Permission")) == entries


def test_entries_that_s3_cannot_name_are_left_out(api: Api) -> None:
    Container.objects.update(options={"acl": {"read": ".r:.example.org,*:*,admin:*"}})
    shown = api("GET", "/bucket", query="acl=")
    assert texts(shown, "AccessControlList/Grant/Permission") == ["FULL_CONTROL", "READ"]


def test_access_lists_of_objects_are_shares(api: Api, nobody: Api, people: Any) -> None:
    api.put("/bucket/o", b"data", x_amz_acl="public-read")
    url = f"/{account_of(api)}/bucket/o"
    assert nobody.read(url) == b"data"
    assert set(Share.objects.values_list("who", "write")) == {(Share.EVERYBODY, False)}
    bob = people.bob.user.uuid
    assert api("PUT", "/bucket/o", query="acl=", x_amz_grant_read=f'id="{bob}"').status_code == 200
    assert set(Share.objects.values_list("who", "write")) == {(bob, False)}
    assert error(nobody("GET", url)) == (403, "AccessDenied")
    assert key_of(people.bob).read(url) == b"data"
    assert bob in texts(api("GET", "/bucket/o", query="acl="), "AccessControlList/Grant/Grantee/ID")


GRANT_OF_NOTHING = "<AccessControlList><Grant/></AccessControlList>"
LIST_OF_ANOTHER = "<Owner><ID>other</ID></Owner><AccessControlList/>"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "MissingSecurityHeader"),
        ("<no", "MalformedXML"),
        ("<AccessControlPolicy/>", "MalformedACLError"),
        (f"<AccessControlPolicy>{GRANT_OF_NOTHING}</AccessControlPolicy>", "MalformedACLError"),
        (f"<AccessControlPolicy>{LIST_OF_ANOTHER}</AccessControlPolicy>", "AccessDenied"),
    ],
)
def test_access_lists_that_are_none(api: Api, body: str, code: str) -> None:
    assert error(api("PUT", "/bucket", body, query="acl="))[1] == code


def cors(*rules: str) -> str:
    return (
        f"<CORSConfiguration>{''.join(f'<CORSRule>{rule}</CORSRule>' for rule in rules)}</CORSConfiguration>"
    )


ANY_GET = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (cors(), "MalformedXML"),
        (cors("<AllowedOrigin>*</AllowedOrigin>"), "MalformedXML"),
        (cors(ANY_GET + "<MaxAgeSeconds>x</MaxAgeSeconds>"), "MalformedXML"),
        (cors(ANY_GET + "<Other/>"), "MalformedXML"),
        (cors("<AllowedOrigin>*.*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"), "InvalidRequest"),
        (cors(*[ANY_GET] * 101), "MalformedXML"),
    ],
)
def test_rules_of_cors_that_are_none(api: Api, body: str, code: str) -> None:
    assert error(api("PUT", "/bucket", body, query="cors=")) == (400, code)


@pytest.mark.parametrize(
    ("origin", "pattern", "allowed"),
    [
        ("https://a.test", "*", True),
        ("https://a.test", "https://a.test", True),
        ("https://a.test.evil", "https://a.test", False),
        ("https://x.a.test", "https://*.a.test", True),
        ("https://xa.test", "https://*.a.test", False),
        ("http://x.a.test", "https://*.a.test", False),
        ("https://aXtest", "https://a.test", False),
    ],
)
def test_origins_are_compared_whole(api: Api, nobody: Api, origin: str, pattern: str, allowed: bool) -> None:
    rule = f"<AllowedOrigin>{pattern}</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
    assert api("PUT", "/bucket", cors(rule), query="cors=").status_code == 200
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    told = nobody("OPTIONS", "/bucket/o", **asked)
    assert told.status_code == (200 if allowed else 403)
    assert ("Access-Control-Allow-Origin" in api("GET", "/bucket", **asked)) is allowed


def test_tags_are_kept_as_they_are(api: Api) -> None:
    api.put("/bucket/o", b"data", x_amz_tagging="a=1&empty=&%C3%A4=%20")
    shown = api("GET", "/bucket/o", query="tagging=")
    assert texts(shown, "TagSet/Tag/Key") == ["a", "empty", "ä"]
    assert texts(shown, "TagSet/Tag/Value") == ["1", "", " "]
    tags = "<Tagging><TagSet><Tag><Key>b</Key><Value>2</Value></Tag></TagSet></Tagging>"
    assert api("PUT", "/bucket/o", tags, query="tagging=").status_code == 200
    assert api("HEAD", "/bucket/o")["x-amz-tagging-count"] == "1"
    api.put("/bucket/o", b"newer")
    assert texts(api("GET", "/bucket/o", query="tagging="), "TagSet/Tag/Key") == []


@pytest.mark.parametrize("text", ["a=1&a=2", "=1", "a=%FF", f"{'k' * 129}=", f"a={'v' * 257}", "a=%00"])
def test_tags_that_are_none(api: Api, text: str) -> None:
    assert api("PUT", "/bucket/o", b"", x_amz_tagging=text).status_code == 400


def policy(*conditions: Any, minutes: int = 5) -> str:
    expiration = timezone.now() + datetime.timedelta(minutes=minutes)
    return base64.b64encode(
        json.dumps({"expiration": expiration.isoformat(), "conditions": conditions}).encode()
    ).decode()


def post(api: Api, signed: str, /, file: bytes = b"data", **fields: str) -> Any:
    """A form with a policy that the key has signed."""
    moment = timezone.now().strftime("%Y%m%dT%H%M%SZ")
    key = f"AWS4{api.secret}".encode()
    for part in (moment[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    given = {
        "key": "o", "policy": signed, "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-date": moment,
        "x-amz-credential": f"{api.access}/{moment[:8]}/us-east-1/s3/aws4_request",
        "x-amz-signature": hmac.digest(key, signed.encode(), "sha256").hex(), **fields,
    }  # fmt: skip
    lines = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in given.items()
    ]
    head = (
        '--x\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/x\r\n\r\n'
    )
    body = "".join(lines).encode() + head.encode() + file + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return api.send("POST", f"http://{api.host}/bucket", body, headers)


BUCKET: Any = {"bucket": "bucket"}
SIGNATURE: Any = [["starts-with", f"$x-amz-{name}", ""] for name in ("algorithm", "credential", "date")]


@pytest.mark.parametrize(
    ("conditions", "fields", "expected"),
    [
        ([BUCKET, {"key": "o"}], {}, 204),
        ([BUCKET, ["eq", "$KEY", "o"]], {}, 204),
        ([BUCKET, ["starts-with", "$key", "dir/"]], {"key": "dir/${filename}"}, 204),
        ([BUCKET, {"key": "o"}], {"x-ignore-this": "1"}, 204),
        ([BUCKET, {"key": "o"}, ["content-length-range", 4, 4]], {}, 204),
        ([{"key": "o"}], {}, "AccessDenied"),
        ([{"bucket": "other"}, {"key": "o"}], {}, "AccessDenied"),
        ([BUCKET, {"key": "other"}], {}, "AccessDenied"),
        ([BUCKET, {"key": "o"}], {"x-amz-meta-a": "1"}, "AccessDenied"),
        ([BUCKET, {"key": "o"}, {"acl": "private"}], {"acl": "public-read"}, "AccessDenied"),
        ([BUCKET, {"key": "o"}, ["content-length-range", 0, 3]], {}, "EntityTooLarge"),
        ([BUCKET, {"key": "o"}, ["content-length-range", 5, 9]], {}, "EntityTooSmall"),
        ([BUCKET, {"key": "o"}, ["content-length-range", "x", 9]], {}, "InvalidPolicyDocument"),
        ([BUCKET, {"key": "o"}, ["like", "$key", "o"]], {}, "InvalidPolicyDocument"),
        ([BUCKET, {"key": "o"}, {}], {}, "InvalidPolicyDocument"),
        ([BUCKET, {"key": "o"}, 7], {}, "InvalidPolicyDocument"),
        ([BUCKET, {"key": "o"}], {"x-amz-date": "today"}, "InvalidArgument"),
        ([BUCKET, {"key": "o"}], {"x-amz-signature": "0"}, "SignatureDoesNotMatch"),
        ([BUCKET, {"key": "o"}], {"key": ""}, "InvalidArgument"),
    ],
)
def test_a_form_does_what_its_policy_allows(api: Api, conditions: Any, fields: Any, expected: Any) -> None:
    response = post(api, policy(*conditions, *SIGNATURE), **fields)
    if expected == 204:
        assert response.status_code == 204, response.content
        assert api.read(f"/bucket/{fields.get('key', 'o').replace('${filename}', 'f.txt')}") == b"data"
    else:
        assert error(response)[1] == expected
        assert texts(api("GET", "/bucket"), "Contents/Key") == []


def test_policies_that_are_over_or_none(api: Api) -> None:
    assert error(post(api, policy(BUCKET, {"key": "o"}, *SIGNATURE, minutes=-1)))[1] == "AccessDenied"
    for bad in (
        "not base64",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"conditions": []}').decode(),
    ):
        assert error(post(api, bad))[1] == "InvalidPolicyDocument"


def test_a_file_that_nobody_signed_for_is_not_taken() -> None:
    fields = '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\no\r\n'
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    body = (fields + head).encode() + bytes(5_000_000) + b"\r\n--x--\r\n"
    stream = io.BytesIO(body)
    kind = "multipart/form-data; boundary=x"
    request = RequestFactory().post("/bucket", CONTENT_TYPE=kind, CONTENT_LENGTH=str(len(body)))
    request.META["wsgi.input"] = request._stream = stream  # type: ignore[attr-defined]

    def refuse(given: Any) -> int:
        assert given == {"key": "o"}
        raise S3Error("AccessDenied")

    with pytest.raises(S3Error, match="AccessDenied"):
        forms.read(request, refuse)
    assert stream.tell() < 500_000
    stream.seek(0)
    with pytest.raises(S3Error, match="EntityTooLarge"):
        forms.read(request, lambda _: 1_000)
    assert stream.tell() < 500_000
