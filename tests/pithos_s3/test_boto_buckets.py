"""Buckets as boto3 sees them: made, listed, emptied, removed; versions of what is in them."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.pithos_s3.server import Server, refused
from tests.pithos_s3.test_boto_objects import read

pytestmark = pytest.mark.host


def versions(s3: Any, bucket: str, **more: Any) -> list[tuple[str, str, bool]]:
    """Key, id and whether it is the latest of all versions and delete markers (whose keys get a minus)."""
    told = s3.list_object_versions(Bucket=bucket, **more)
    found = [(one["Key"], one["VersionId"], one["IsLatest"]) for one in told.get("Versions", [])]
    return found + [
        (f"-{one['Key']}", one["VersionId"], one["IsLatest"]) for one in told.get("DeleteMarkers", [])
    ]


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def test_buckets_are_made_listed_and_removed(s3: Any, server: Server) -> None:
    name = f"b-{secrets.token_hex(6)}"
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    listed = s3.list_buckets()
    assert name in [one["Name"] for one in listed["Buckets"]]
    assert listed["Owner"]["ID"] == server.alice.account
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    s3.put_object(Bucket=name, Key="k", Body=b"")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=name)
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    with refused("404", 404):
        s3.head_bucket(Bucket=name)
    with refused("NoSuchBucket", 404):
        s3.delete_bucket(Bucket=name)
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket=name)


def test_everybody_has_buckets_of_his_own(server: Server, s3: Any, bucket: str) -> None:
    bob = server.client(server.bob)
    bob.create_bucket(Bucket=bucket)
    bob.put_object(Bucket=bucket, Key="k", Body=b"Bob's")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    "name", ["ab", "a" * 64, "Upper", "under_score", "a..b", "-a", "a-", "192.168.0.1", "xn--a"]
)
def test_names_that_no_bucket_has(server: Server, name: str) -> None:
    s3 = server.client(server.alice)
    s3.meta.events.unregister("before-parameter-build.s3", _validator(s3))
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket=name)


def _validator(s3: Any) -> Any:
    from botocore.handlers import validate_bucket_name

    return validate_bucket_name


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
        ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
        ("get_bucket_ownership_controls", "OwnershipControlsNotFoundError"),
    ],
)
def test_what_no_bucket_has(s3: Any, bucket: str, operation: str, code: str) -> None:
    with refused(code, 404):
        getattr(s3, operation)(Bucket=bucket)


def test_what_is_not_here_is_said_so(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    for refusal in (
        lambda: s3.put_bucket_policy(Bucket=bucket, Policy="{}"),
        lambda: s3.put_object_retention(Bucket=bucket, Key="k", Retention={"Mode": "GOVERNANCE"}),
        lambda: s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "ON"}),
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms"),
        lambda: s3.select_object_content(
            Bucket=bucket, Key="k", Expression="x", ExpressionType="SQL",
            InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}},
        ),
    ):  # fmt: skip
        with refused("NotImplemented", 501):
            refusal()
    with refused("InvalidStorageClass", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass="GLACIER")
    assert read(s3, bucket, "k") == b"data"


def test_history_is_kept_from_when_it_is_switched_on(s3: Any, bucket: str) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert versions(s3, bucket) == [("k", "null", True)]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"second")["VersionId"]
    assert versions(s3, bucket) == [("k", second, True), ("k", "null", False)]
    assert read(s3, bucket, "k", VersionId="null") == b"before"
    assert s3.head_object(Bucket=bucket, Key="k", VersionId=second)["VersionId"] == second
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"third")
    assert versions(s3, bucket) == [("k", "null", True), ("k", second, False)]
    assert (read(s3, bucket, "k"), read(s3, bucket, "k", VersionId=second)) == (b"third", b"second")


def test_what_is_deleted_leaves_a_marker(s3: Any, versioned: str) -> None:
    made = s3.put_object(Bucket=versioned, Key="k", Body=b"data")["VersionId"]
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=versioned, Key="k")
    with refused("MethodNotAllowed", 405):
        s3.get_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    assert versions(s3, versioned) == [("k", made, False), ("-k", marker["VersionId"], True)]
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=versioned)
    undone = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert undone["DeleteMarker"] is True
    assert read(s3, versioned, "k") == b"data"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=made)
    assert versions(s3, versioned) == []
    s3.delete_bucket(Bucket=versioned)


def test_versions_that_are_none(s3: Any, versioned: str) -> None:
    s3.put_object(Bucket=versioned, Key="k", Body=b"data")
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=versioned, Key="k", VersionId="123456789")
    with refused("InvalidArgument", 400):
        s3.get_object(Bucket=versioned, Key="k", VersionId="not-a-version")


def test_versions_are_listed_page_by_page(s3: Any, versioned: str) -> None:
    expected = []
    for key in ("a", "b/1", "c"):
        made = [
            s3.put_object(Bucket=versioned, Key=key, Body=b"%d" % number)["VersionId"] for number in range(3)
        ]
        expected += [(key, one) for one in reversed(made)]
    for size in (1, 2, 4, 100):
        pages = s3.get_paginator("list_object_versions").paginate(
            Bucket=versioned, PaginationConfig={"PageSize": size}
        )
        assert [(one["Key"], one["VersionId"]) for page in pages for one in page["Versions"]] == expected
    assert [one[0] for one in versions(s3, versioned, Prefix="b/")] == ["b/1"] * 3
    rolled = s3.list_object_versions(Bucket=versioned, Delimiter="/")
    assert rolled["CommonPrefixes"] == [{"Prefix": "b/"}]


def test_old_versions_are_copied_and_tagged(s3: Any, versioned: str) -> None:
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"old", Tagging="a=1")["VersionId"]
    new = s3.put_object(Bucket=versioned, Key="k", Body=b"new")["VersionId"]
    source = {"Bucket": versioned, "Key": "k", "VersionId": old}
    copied = s3.copy_object(Bucket=versioned, Key="c", CopySource=source)
    assert copied["CopySourceVersionId"] == old
    assert read(s3, versioned, "c") == b"old"
    tags = [{"Key": "b", "Value": "2"}]
    s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=old, Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=old)["TagSet"] == tags
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []
    assert [one[1] for one in versions(s3, versioned, Prefix="k")] == [new, old]


def test_many_versions_are_deleted_at_once(s3: Any, versioned: str) -> None:
    made = [s3.put_object(Bucket=versioned, Key="k", Body=b"%d" % number)["VersionId"] for number in range(3)]
    asked = [{"Key": "k", "VersionId": made[0]}, {"Key": "k", "VersionId": made[2]}, {"Key": "other"}]
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": asked})
    assert len(done["Deleted"]) == 3
    assert next(one for one in done["Deleted"] if one["Key"] == "other")["DeleteMarker"] is True
    assert read(s3, versioned, "k") == b"1"
    assert [one[1] for one in versions(s3, versioned, Prefix="k")] == [made[1]]
