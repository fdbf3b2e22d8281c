"""What others may do, as boto3 and browsers see it: access lists, CORS, forms; tags of buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.pithos_s3.server import Server, refused
from tests.pithos_s3.test_boto_objects import read

pytestmark = pytest.mark.host

ALL = "http://acs.amazonaws.com/groups/global/AllUsers"
SIGNED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"


@pytest.fixture
def at(server: Server, bucket: str) -> Callable[[str], str]:
    """Where others find Alice's objects."""
    return lambda key: f"{server.url}/{server.alice.account}/{bucket}{'/' if key else ''}{key}"


@pytest.fixture
def bob(server: Server) -> Any:
    """Bob's client of what is Alice's."""
    client = server.client(server.bob)

    def theirs(request: Any, **_: Any) -> None:
        request.url = request.url.replace(server.url, f"{server.url}/{server.alice.account}", 1)

    client.meta.events.register_first("before-sign.s3", theirs)
    return client


def grants(acl: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["Grantee"].get("ID") or one["Grantee"]["URI"], one["Permission"]) for one in acl["Grants"]}


def test_what_is_private_is_ones_own(s3: Any, bucket: str, server: Server, at: Any, bob: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    owner = server.alice.account
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert (acl["Owner"]["ID"], grants(acl)) == (owner, {(owner, "FULL_CONTROL")})
    assert httpx.get(at("k")).status_code == httpx.get(at("")).status_code == 403
    for refusal in (
        lambda: bob.get_object(Bucket=bucket, Key="k"),
        lambda: bob.put_object(Bucket=bucket, Key="k", Body=b"x"),
        lambda: bob.delete_object(Bucket=bucket, Key="k"),
        lambda: bob.list_objects_v2(Bucket=bucket),
        lambda: bob.get_bucket_acl(Bucket=bucket),
        lambda: bob.get_object_acl(Bucket=bucket, Key="k"),
        lambda: bob.put_bucket_acl(Bucket=bucket, ACL="public-read"),
        lambda: bob.delete_bucket(Bucket=bucket),
        lambda: bob.create_multipart_upload(Bucket=bucket, Key="k"),
    ):
        with refused("AccessDenied", 403):
            refusal()


def test_a_bucket_for_all_to_read(s3: Any, bucket: str, server: Server, at: Any, bob: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert grants(s3.get_bucket_acl(Bucket=bucket)) == {(server.alice.account, "FULL_CONTROL"), (ALL, "READ")}
    assert httpx.get(at("k")).content == b"data"
    assert "<Key>k</Key>" in httpx.get(at("")).text
    assert read(bob, bucket, "k") == b"data"
    with refused("AccessDenied", 403):
        bob.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert httpx.put(at("k"), content=b"x").status_code == 403
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    assert httpx.get(at("k")).status_code == 403
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False


def test_a_bucket_for_all_to_write(s3: Any, bucket: str, at: Any, bob: Any) -> None:
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert {(ALL, "READ"), (ALL, "WRITE")} < grants(s3.get_bucket_acl(Bucket=bucket))
    bob.put_object(Bucket=bucket, Key="k", Body=b"Bob's", ACL="bucket-owner-full-control")
    with refused("AccessDenied", 403):
        bob.put_object(Bucket=bucket, Key="k", Body=b"for all", ACL="public-read")
    assert read(s3, bucket, "k") == b"Bob's"
    bob.delete_object(Bucket=bucket, Key="k")
    assert httpx.put(at("k"), content=b"nobody's").status_code == 403


def test_a_bucket_for_all_who_sign(s3: Any, bucket: str, at: Any, bob: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    s3.put_bucket_acl(Bucket=bucket, ACL="authenticated-read")
    assert (SIGNED, "READ") in grants(s3.get_bucket_acl(Bucket=bucket))
    assert read(bob, bucket, "k") == b"data"
    assert httpx.get(at("k")).status_code == 403


def test_an_object_for_all_to_read(s3: Any, bucket: str, at: Any, bob: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="other", Body=b"data")
    assert (ALL, "READ") in grants(s3.get_object_acl(Bucket=bucket, Key="k"))
    assert httpx.get(at("k")).content == read(bob, bucket, "k") == b"data"
    assert httpx.head(at("k")).headers["content-length"] == "4"
    assert httpx.get(at("other")).status_code == httpx.get(at("")).status_code == 403
    assert httpx.delete(at("k")).status_code == 403
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    assert httpx.get(at("k")).status_code == 403


def test_an_object_for_those_who_sign_and_for_one_person(
    s3: Any, bucket: str, server: Server, at: Any, bob: Any
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data", ACL="authenticated-read")
    assert read(bob, bucket, "k") == b"data"
    assert httpx.get(at("k")).status_code == 403
    s3.put_object_acl(Bucket=bucket, Key="k", GrantRead=f'id="{server.bob.account}"')
    assert (server.bob.account, "READ") in grants(s3.get_object_acl(Bucket=bucket, Key="k"))
    assert (SIGNED, "READ") not in grants(s3.get_object_acl(Bucket=bucket, Key="k"))
    assert read(bob, bucket, "k") == b"data"
    s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k"}, ACL="public-read")
    assert httpx.get(at("c")).content == b"data"


def test_a_bucket_for_one_person(s3: Any, bucket: str, server: Server, bob: Any) -> None:
    given = {"Grantee": {"Type": "CanonicalUser", "ID": server.bob.account}}
    owner = {"ID": server.alice.account}
    listed = [
        {**given, "Permission": "READ"},
        {**given, "Permission": "WRITE"},
        {"Grantee": {"Type": "CanonicalUser", **owner}, "Permission": "FULL_CONTROL"},
    ]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": owner, "Grants": listed})
    found = grants(s3.get_bucket_acl(Bucket=bucket))
    assert {(server.bob.account, "READ"), (server.bob.account, "WRITE")} < found
    bob.put_object(Bucket=bucket, Key="k", Body=b"Bob's")
    assert [one["Key"] for one in bob.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_grants_that_cannot_be_given(s3: Any, bucket: str, server: Server) -> None:
    bob = server.bob.account
    for given in (
        {"GrantFullControl": f"id={bob}"},
        {"GrantReadACP": f"id={bob}"},
        {"GrantRead": "emailAddress=b@example.org"},
        {"ACL": "log-delivery-write"},
    ):
        with refused("NotImplemented", 501):
            s3.put_bucket_acl(Bucket=bucket, **given)
    for given in ({"GrantRead": "id=nobody"}, {"GrantRead": "uri=http://example.org"}, {"ACL": "open"}):
        with refused("InvalidArgument", 400):
            s3.put_bucket_acl(Bucket=bucket, **given)
    with refused("InvalidRequest", 400):
        s3.put_bucket_acl(Bucket=bucket, ACL="private", GrantRead=f"id={bob}")


RULES = [
    {
        "ID": "one", "AllowedOrigins": ["https://*.example.org"], "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["x-amz-*", "content-type"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 600,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
]  # fmt: skip


def test_rules_of_cors_are_kept(s3: Any, bucket: str) -> None:
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == RULES
    s3.delete_bucket_cors(Bucket=bucket)
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)
    bad = {"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}
    with refused("InvalidRequest", 400):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [bad]})


def test_scripts_of_other_sites(s3: Any, bucket: str, server: Server, at: Any) -> None:
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    s3.put_object(Bucket=bucket, Key="k", Body=b"data", ACL="public-read")
    site = "https://www.example.org"
    asks = {
        "Origin": site,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "X-Amz-Acl",
    }
    presigned = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "new"})
    for url in (at("k"), f"{server.url}/{bucket}/k", presigned):
        told = httpx.options(url, headers=asks)
        assert told.status_code == 200
        assert told.headers["access-control-allow-origin"] == site
        assert told.headers["access-control-allow-methods"] == "GET, PUT"
        assert told.headers["access-control-allow-headers"] == "x-amz-acl"
        assert told.headers["access-control-max-age"] == "600"
    for other in (
        {"Origin": "https://evil.test"}, {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Headers": "x-other"},
    ):  # fmt: skip
        assert httpx.options(at("k"), headers={**asks, **other}).status_code == 403
    assert httpx.options(at("k")).status_code == 400
    seen = httpx.get(at("k"), headers={"Origin": site})
    assert (seen.content, seen.headers["access-control-allow-origin"]) == (b"data", site)
    assert seen.headers["access-control-expose-headers"] == "ETag"
    assert (
        "access-control-allow-origin"
        not in httpx.get(at("k"), headers={"Origin": "https://evil.test"}).headers
    )
    assert (
        httpx.head(at("k"), headers={"Origin": "https://any.test"}).headers["access-control-allow-origin"]
        == "*"
    )


def form(
    s3: Any, bucket: str, key: str = "k", fields: Any = None, conditions: Any = None, /, **more: Any
) -> Any:
    """Posts a file with what boto3 signed."""
    name, content = more.pop("file", "a.txt"), more.pop("content", b"from a form")
    conditions = more.pop("conditions", conditions)
    signed = s3.generate_presigned_post(bucket, key, fields, conditions, ExpiresIn=more.pop("expires", 60))
    data = {**signed["fields"], **more}
    return httpx.post(signed["url"], data=data, files={"file": (name, content)})


def test_forms(s3: Any, bucket: str) -> None:
    done = form(s3, bucket)
    assert (done.status_code, done.content) == (204, b"")
    assert read(s3, bucket, "k") == b"from a form"
    fields = {
        "acl": "public-read", "Content-Type": "text/x", "x-amz-meta-a": "1", "success_action_status": "201",
    }  # fmt: skip
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    done = form(s3, bucket, "dir/${filename}", fields, conditions, file="b.txt", content=b"x" * 3_000_000)
    assert (done.status_code, "<Key>dir/b.txt</Key>" in done.text) == (201, True)
    found = s3.get_object(Bucket=bucket, Key="dir/b.txt")
    assert (found["Body"].read(), found["ContentType"]) == (b"x" * 3_000_000, "text/x")
    assert found["Metadata"] == {"a": "1"}
    assert (ALL, "READ") in grants(s3.get_object_acl(Bucket=bucket, Key="dir/b.txt"))


def test_a_form_leads_on(s3: Any, bucket: str) -> None:
    fields = {"success_action_redirect": "https://example.org/done?a=1"}
    done = form(s3, bucket, "k", fields, [fields])
    assert done.status_code == 303
    assert done.headers["location"].startswith(f"https://example.org/done?a=1&bucket={bucket}&key=k&etag=%22")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"x-amz-meta-a": "1"}, 403, "AccessDenied"),
        ({"key": "other"}, 403, "AccessDenied"),
        ({"expires": -60}, 403, "AccessDenied"),
        ({"conditions": [["content-length-range", 0, 4]]}, 400, "EntityTooLarge"),
        ({"conditions": [["content-length-range", 100, 200]]}, 400, "EntityTooSmall"),
        (
            {"conditions": [["starts-with", "$Content-Type", "image/"]], "Content-Type": "text/x"},
            403,
            "AccessDenied",
        ),
        ({"x-amz-signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
        ({"policy": "bm90IGpzb24="}, 403, "SignatureDoesNotMatch"),
    ],
)
def test_forms_that_are_refused(s3: Any, bucket: str, more: dict[str, Any], status: int, code: str) -> None:
    done = form(s3, bucket, **more)
    assert (done.status_code, f"<Code>{code}</Code>" in done.text) == (status, True), done.text
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_form_that_nobody_signed(bucket: str, server: Server, s3: Any) -> None:
    url = f"{server.url}/{server.alice.account}/{bucket}"
    assert httpx.post(url, data={"key": "k"}, files={"file": b"data"}).status_code == 403
    assert httpx.post(url, data={"key": "k"}).status_code in (400, 403, 412)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_tags_of_a_bucket(s3: Any, bucket: str) -> None:
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)
    tags = [{"Key": f"k{number:02}", "Value": "v"} for number in range(50)]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    with refused("BadRequest", 400):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [*tags, {"Key": "more", "Value": ""}]})
    s3.delete_bucket_tagging(Bucket=bucket)
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)
