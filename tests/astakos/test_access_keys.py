"""Access keys: their secrets are kept encrypted, and signatures of real clients are checked against them."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from keystoneclient.contrib.ec2 import utils as ec2

from synnefo.astakos.keys import rules, signatures
from synnefo.astakos.keys.models import AccessKey
from synnefo.common.caller import Caller
from synnefo.common.faults import Unauthorized
from tests.astakos.conftest import Person
from tests.astakos.v3 import V3, by_token, error_of, get, login, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(http: Client, ada: Person) -> dict[str, Any]:
    path = f"/users/{ada.uuid}/credentials/OS-EC2"
    made = post(http, path, {"tenant_id": ada.uuid}, ada.token)
    assert made.status_code == 201
    shown: dict[str, Any] = made.json()["credential"]
    return shown


def s3_request(key: dict[str, Any], **changes: str) -> dict[str, Any]:
    """As Swift's s3token middleware shows a request that was signed in S3's version 4."""
    day, scope = "20260102", "20260102/default/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{day}T030405Z\n{scope}\n{hashlib.sha256(b'request').hexdigest()}"
    made = f"AWS4{key['secret']}".encode()
    for part in scope.split("/"):
        made = hmac.digest(made, part.encode(), "sha256")
    signature = hmac.digest(made, text.encode(), "sha256").hex()
    token = base64.urlsafe_b64encode(text.encode()).decode()
    return {"credentials": {"access": key["access"], "signature": signature, "token": token, **changes}}


def ec2_request(key: dict[str, Any], at: datetime.datetime | None = None, **changes: Any) -> dict[str, Any]:
    """A query in EC2's version 2, signed by Keystone's own client library."""
    params = {
        "Action": "DescribeInstances", "SignatureVersion": "2", "SignatureMethod": "HmacSHA256",
        "Timestamp": (at or timezone.now()).strftime("%Y-%m-%dT%H:%M:%SZ"), "Some": "a b/~ü",
    }  # fmt: skip
    asked = {"access": key["access"], "host": "ec2.example.org", "verb": "GET", "path": "/", "params": params}
    signature = ec2.Ec2Signer(key["secret"]).generate(dict(asked))
    return {"credentials": {**asked, "signature": signature, **changes}}


def test_a_key_is_shown_to_its_user_and_kept_encrypted(
    http: Client, ada: Person, key: dict[str, Any]
) -> None:
    path = f"/users/{ada.uuid}/credentials/OS-EC2"
    assert (key["user_id"], key["tenant_id"]) == (ada.uuid, ada.uuid)
    row = AccessKey.objects.get()
    assert key["secret"] not in str(AccessKey.objects.values())
    assert rules.secret_of(row) == key["secret"]
    assert get(http, path, ada.token).json()["credentials"] == [key]
    assert get(http, f"{path}/{key['access']}", ada.token).json()["credential"] == key
    headers = {"X-Auth-Token": ada.token}
    assert http.delete(f"{V3}{path}/{key['access']}", headers=headers).status_code == 204
    assert get(http, f"{path}/{key['access']}", ada.token).status_code == 404


def test_a_key_is_for_a_project_that_one_works_in(http: Client, ada: Person, bob: Person) -> None:
    path = f"/users/{ada.uuid}/credentials/OS-EC2"
    assert error_of(post(http, path, {"tenant_id": bob.uuid}, ada.token))[0] == 403
    assert error_of(post(http, path, {}, ada.token))[0] == 400


@pytest.mark.parametrize("kind", ["ec2", "s3"])
def test_an_administrator_exchanges_a_signature_for_a_token(
    http: Client, ada: Person, root: Person, key: dict[str, Any], kind: str
) -> None:
    body = ec2_request(key) if kind == "ec2" else s3_request(key)
    answer = post(http, f"/{kind}tokens", body, root.token)
    assert answer.status_code == 200, answer.content
    shown = answer.json()["token"]
    assert (shown["user"]["id"], shown["project"]["id"], shown["methods"]) == (
        ada.uuid, ada.uuid, ["ec2credential"],
    )  # fmt: skip
    token = answer["X-Subject-Token"]
    assert get(http, "/auth/projects", token).status_code == 200
    assert login(http, by_token(token)).status_code == 401
    path = f"/users/{ada.uuid}/credentials/OS-EC2"
    assert error_of(post(http, path, {"tenant_id": ada.uuid}, token))[0] == 403
    assert error_of(post(http, f"/{kind}tokens", body, ada.token))[0] == 403
    rules.delete(Caller(user=ada.uuid, project=ada.uuid), ada.user, key["access"])
    assert get(http, "/auth/projects", token).status_code == 401
    assert error_of(post(http, f"/{kind}tokens", body, root.token))[0] == 401


def test_wrong_signatures_are_refused_alike_and_slowly(
    http: Client, root: Person, key: dict[str, Any]
) -> None:
    wrong = [
        s3_request(key, signature="0" * 64),
        s3_request({**key, "secret": "another"}),
        s3_request({**key, "access": "unknown"}),
    ]
    answers = {error_of(post(http, "/s3tokens", body, root.token)) for body in wrong}
    assert [code for code, _ in answers] == [401]
    assert error_of(post(http, "/ec2tokens", ec2_request(key, path="/other"), root.token))[0] == 401
    for _ in range(5):
        post(http, "/s3tokens", wrong[0], root.token)
    assert error_of(post(http, "/s3tokens", s3_request(key), root.token))[0] == 429


def test_an_old_request_is_refused(http: Client, root: Person, key: dict[str, Any]) -> None:
    old = timezone.now() - datetime.timedelta(hours=1)
    assert error_of(post(http, "/ec2tokens", ec2_request(key, at=old), root.token))[0] == 401
    assert error_of(post(http, "/s3tokens", s3_request(key, token="%"), root.token))[0] == 400


def test_requests_signed_in_version_4_by_keystones_library_are_good() -> None:
    headers = {
        "Host": "ec2.example.org", "X-Amz-Date": "20260102T030405Z", "Content-Type": "text/plain",
        "Authorization": "AWS4-HMAC-SHA256 Credential=key/20260102/default/ec2/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature=unused",
    }  # fmt: skip
    asked = {"verb": "GET", "host": "ec2.example.org", "path": "/a", "params": {"b": "2", "a": "1 +"}}
    body_hash = hashlib.sha256(b"").hexdigest()
    right = ec2.Ec2Signer("secret").generate({**asked, "headers": headers, "body_hash": body_hash})
    assert signatures.of_query("secret", **asked, headers=headers, body_hash=body_hash) == right
    for missing in ("Signature=unused", "AWS4-HMAC-SHA256 Credential=key/1/2, SignedHeaders=host"):
        with pytest.raises(Unauthorized):
            signatures.of_query("secret", **asked, headers={"Authorization": missing}, body_hash=body_hash)
