"""Signature version 4 against the examples that AWS publishes."""

from __future__ import annotations

import hashlib
import hmac
import io
from typing import Any

import pytest
from django.http import HttpRequest

from synnefo.pithos.checksums import Watched
from synnefo.pithos.faces.s3 import signature
from synnefo.pithos.faces.s3.chunked import Payload
from synnefo.pithos.faces.s3.errors import S3Error

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ACCESS = "AKIAIOSFODNN7EXAMPLE"
SCOPE = "20130524/us-east-1/s3/aws4_request"
NO_CONTENT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def key() -> bytes:
    made = f"AWS4{SECRET}".encode()
    for part in SCOPE.split("/"):
        made = hmac.digest(made, part.encode(), "sha256")
    return made


def meta(signed: str, expected: str, **headers: str) -> dict[str, str]:
    """The request's environment; ``host`` and the time are those of all examples."""
    return {
        "HTTP_HOST": "examplebucket.s3.amazonaws.com", "HTTP_X_AMZ_DATE": "20130524T000000Z",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={ACCESS}/{SCOPE},SignedHeaders={signed},"
        f"Signature={expected}", **headers,
    }  # fmt: skip


def check(given: dict[str, str], method: str, path: str, query: str = "") -> None:
    pairs = signature.parse_query(query)
    claim = signature.claimed(given, {name.decode(): value.decode() for name, value in pairs})
    assert claim is not None
    assert (claim.access, claim.scope) == (ACCESS, SCOPE)
    signature.require_right(claim, key(), method=method, path=path, query=pairs, meta=given)


HEADERS = "host;x-amz-content-sha256;x-amz-date"
EXAMPLES = {
    "part of an object": (
        meta(
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            HTTP_RANGE="bytes=0-9", HTTP_X_AMZ_CONTENT_SHA256=NO_CONTENT,
        ),
        ("GET", "/test.txt"),
    ),
    "an object that is written": (
        meta(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            HTTP_DATE="Fri, 24 May 2013 00:00:00 GMT", HTTP_X_AMZ_STORAGE_CLASS="REDUCED_REDUNDANCY",
            HTTP_X_AMZ_CONTENT_SHA256="44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        ),
        ("PUT", "/test$file.text"),
    ),
    "a word in the query": (
        meta(
            HEADERS, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            HTTP_X_AMZ_CONTENT_SHA256=NO_CONTENT,
        ),
        ("GET", "/", "lifecycle"),
    ),
    "parameters": (
        meta(
            HEADERS, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            HTTP_X_AMZ_CONTENT_SHA256=NO_CONTENT,
        ),
        ("GET", "/", "prefix=J&max-keys=2"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_signatures_of_the_examples_are_right(name: str) -> None:
    given, call = EXAMPLES[name]
    check(given, *call)
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        check(given, call[0], call[1] + "x", *call[2:])


def test_the_presigned_example_is_right() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
        "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    check({"HTTP_HOST": "examplebucket.s3.amazonaws.com"}, "GET", "/test.txt", query)


def chunk(size: int, expected: str) -> bytes:
    return f"{size:x};chunk-signature={expected}\r\n".encode() + b"a" * size + b"\r\n"


SIGNED = "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class"
CHUNKS = (
    chunk(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648")
    + chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497")
    + chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")
)
WITH_TRAILER = (
    chunk(65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2")
    + chunk(1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7")
    + b"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
    + b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    + b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)


def streamed(body: bytes, expected: str, kind: str, signed: str, **headers: str) -> Payload:
    request = HttpRequest()
    request.META.update(
        meta(
            signed, expected, HTTP_HOST="s3.amazonaws.com", HTTP_CONTENT_ENCODING="aws-chunked",
            HTTP_X_AMZ_CONTENT_SHA256=kind, HTTP_X_AMZ_DECODED_CONTENT_LENGTH="66560",
            HTTP_X_AMZ_STORAGE_CLASS="REDUCED_REDUNDANCY", CONTENT_LENGTH="66824", **headers,
        )
    )  # fmt: skip
    check(request.META, "PUT", "/examplebucket/chunkObject.txt")
    request.META["CONTENT_LENGTH"] = str(len(body))
    request.META["wsgi.input"] = io.BytesIO(body)
    return Payload(request, signature.claimed(request.META, {}), key())


def plain(body: bytes = CHUNKS) -> Payload:
    seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    return streamed(body, seed, signature.STREAMING, f"content-encoding;content-length;{SIGNED}")


def test_chunks_of_the_example_are_right() -> None:
    payload = plain()
    assert payload.size_bytes == 66560
    assert b"".join(payload) == b"a" * 66560


@pytest.mark.parametrize(
    "body",
    [
        CHUNKS.replace(b"aaaa", b"aaab", 1),
        CHUNKS.replace(b"0055", b"0056"),
        CHUNKS[: CHUNKS.index(b"0;chunk")],
        CHUNKS[:-100],
        CHUNKS[:5000],
        b"",
        b"zz;chunk-signature=0\r\n",
        b"-1\r\n",
        b"f" * 17 + b"\r\n",
        b"1" * 5000,
    ],
)
def test_chunks_that_are_spoilt_are_found_out(body: bytes) -> None:
    with pytest.raises(S3Error, match=r"SignatureDoesNotMatch|IncompleteBody"):
        b"".join(plain(body))


def test_memory_is_small_whatever_the_chunks() -> None:
    assert max(len(piece) for piece in plain()) <= 256 * 1024


def with_trailer(body: bytes = WITH_TRAILER) -> Payload:
    seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    names = f"content-encoding;{SIGNED};x-amz-trailer"
    trailer = {"HTTP_X_AMZ_TRAILER": "x-amz-checksum-crc32c"}
    return streamed(body, seed, signature.STREAMING_TRAILER, names, **trailer)


def test_the_trailer_of_the_example_is_right() -> None:
    payload = with_trailer()
    watched = Watched(payload, ["CRC32C"])
    assert b"".join(watched) == b"a" * 66560
    assert payload.trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}
    assert watched.values() == {"CRC32C": "sOO8/Q=="}


@pytest.mark.parametrize(
    ("old", "new"), [(b"sOO8", b"sOO9"), (b":d81f", b":d81e"), (b"x-amz-checksum-crc32c:sOO8/Q==\r\n", b"")]
)
def test_a_trailer_that_is_spoilt_is_found_out(old: bytes, new: bytes) -> None:
    with pytest.raises(S3Error, match=r"SignatureDoesNotMatch|MalformedTrailerError"):
        b"".join(with_trailer(WITH_TRAILER.replace(old, new)))


def test_unsigned_chunks_with_a_trailer() -> None:
    body = b"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"
    request = HttpRequest()
    request.META.update(
        HTTP_X_AMZ_CONTENT_SHA256=signature.STREAMING_UNSIGNED_TRAILER, CONTENT_LENGTH=str(len(body)),
        HTTP_X_AMZ_DECODED_CONTENT_LENGTH="11", HTTP_X_AMZ_TRAILER="x-amz-checksum-crc32",
    )  # fmt: skip
    request.META["wsgi.input"] = io.BytesIO(body)
    payload = Payload(request, None, b"")
    assert b"".join(payload) == b"hello world"
    assert payload.trailers == {"x-amz-checksum-crc32": "DUoRhQ=="}


def test_what_is_signed_does_not_depend_on_how_a_client_escapes(monkeypatch: Any) -> None:
    claim = signature.claimed(EXAMPLES["parameters"][0], {})
    assert claim is not None

    def path_and_query(path: str, query: str) -> list[str]:
        pairs = signature.parse_query(query)
        text = signature.canonical(claim, method="GET", path=path, query=pairs, meta={})
        return text.decode().split("\n")[1:3]

    assert path_and_query("/a b/~ü+//../%41", "b=1&a=%7E+x%20y&a&B=%2f") == [
        "/a%20b/~%C3%BC%2B//../%2541", "B=%2F&a=&a=~%20x%20y&b=1",
    ]  # fmt: skip
    assert path_and_query("/", "X-Amz-Signature=s&z") == ["/", "z="]


def test_the_hash_of_nothing_is_that() -> None:
    assert hashlib.sha256(b"").hexdigest() == signature.NO_CONTENT


def test_very_small_chunks_take_no_longer() -> None:
    body = b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
    request = HttpRequest()
    request.META.update(
        HTTP_X_AMZ_CONTENT_SHA256=signature.STREAMING_UNSIGNED_TRAILER, CONTENT_LENGTH=str(len(body)),
        HTTP_X_AMZ_DECODED_CONTENT_LENGTH="20000",
    )  # fmt: skip
    request.META["wsgi.input"] = io.BytesIO(body)
    assert b"".join(Payload(request, None, b"")) == b"x" * 20_000
