"""Bodies as they come: whole, or in signed chunks (``aws-chunked``), with trailers behind them or not.

Pieces are handed on as they arrive, so memory stays small whatever the chunks; what they promise (length,
hash, signatures) is known at the end. Nothing may be named before that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest

from synnefo.common import faults
from synnefo.common.http.streams import is_chunked, read
from synnefo.pithos.faces.s3 import signature
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.signature import NO_CONTENT, Claim

_SIGNED = (signature.STREAMING, signature.STREAMING_TRAILER)
_LONGEST_LINE = 1024
_LONGEST_TRAILER = 16 * 1024


class Payload:
    """The content of a request, read once; after that ``trailers`` are there (names in small letters)."""

    def __init__(self, request: HttpRequest, claim: Claim | None, key: bytes) -> None:
        self.trailers: dict[str, str] = {}
        self._request = request
        self._claim = claim
        self._key = key
        self._kind = claim.payload if claim else signature.UNSIGNED
        if claim is None and request.META.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith("STREAMING-"):
            self._kind = request.META["HTTP_X_AMZ_CONTENT_SHA256"]
        self._in_chunks = self._kind in (*_SIGNED, signature.STREAMING_UNSIGNED_TRAILER)
        if self._kind in _SIGNED and claim is None:
            raise S3Error("AccessDenied")
        self.size_bytes = self._size()

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._decoded() if self._in_chunks else self._plain()
        except faults.RequestTooLarge:
            raise S3Error("EntityTooLarge") from None
        except faults.BadRequest:
            raise S3Error("IncompleteBody") from None

    def _size(self) -> int | None:
        """How long the content is, None if it is not said. Raises S3Error."""
        said = _length(self._request, "HTTP_X_AMZ_DECODED_CONTENT_LENGTH")
        whole = None if is_chunked(self._request) else _length(self._request, "CONTENT_LENGTH")
        if whole is None and not is_chunked(self._request):
            raise S3Error("MissingContentLength")
        size_bytes = said if self._in_chunks else whole
        if self._in_chunks and size_bytes is None:
            raise S3Error("MissingContentLength")
        most: int = settings.PITHOS_MAX_UPLOAD_BYTES
        if size_bytes is not None and size_bytes > most:
            raise S3Error("EntityTooLarge", ProposedSize=str(size_bytes), MaxSizeAllowed=str(most))
        return size_bytes

    def _raw(self) -> Iterator[bytes]:
        length = None if is_chunked(self._request) else _length(self._request, "CONTENT_LENGTH")
        most = settings.PITHOS_MAX_UPLOAD_BYTES
        # Chunks of the least length that clients send (8 KiB) have a head of a hundred bytes.
        return read(self._request, length, most + most // 32 if self._in_chunks else most)

    def _plain(self) -> Iterator[bytes]:
        if self._kind == signature.UNSIGNED:
            yield from self._raw()
            return
        digest = hashlib.sha256()
        for piece in self._raw():
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self._kind:
            told = {"ClientComputedContentSHA256": self._kind, "S3ComputedContentSHA256": digest.hexdigest()}
            raise S3Error("XAmzContentSHA256Mismatch", **told)

    def _decoded(self) -> Iterator[bytes]:
        source, left = _Source(self._raw()), self.size_bytes or 0
        last = self._claim.signature if self._claim else ""
        while True:
            size_bytes, given = _head(source.line())
            left -= size_bytes
            if left < 0:
                raise S3Error("IncompleteBody", "The body has more than x-amz-decoded-content-length says.")
            digest = hashlib.sha256()
            for piece in source.take(size_bytes):
                if self._kind in _SIGNED:
                    digest.update(piece)
                yield piece
            if self._kind in _SIGNED:
                last = self._require_signed("PAYLOAD", f"{last}\n{NO_CONTENT}\n{digest.hexdigest()}", given)
            if size_bytes == 0:
                break
            if source.line():
                raise S3Error("IncompleteBody")
        if left:
            raise S3Error("IncompleteBody")
        self._read_trailers(source, last)

    def _read_trailers(self, source: _Source, last: str) -> None:
        lines = [line.strip() for line in source.rest(_LONGEST_TRAILER).split(b"\n")]
        for line in filter(None, lines):
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise S3Error("MalformedTrailerError")
            self.trailers[name.strip().lower()] = value.strip()
        given = self.trailers.pop("x-amz-trailer-signature", "")
        promised = self._request.META.get("HTTP_X_AMZ_TRAILER", "").lower().split(",")
        if not {name.strip() for name in promised} - {""} <= self.trailers.keys():
            raise S3Error("MalformedTrailerError")
        if self._kind == signature.STREAMING_TRAILER:
            text = "".join(f"{name}:{value}\n" for name, value in self.trailers.items())
            hashed = hashlib.sha256(text.encode("latin-1")).hexdigest()
            self._require_signed("TRAILER", f"{last}\n{hashed}", given)

    def _require_signed(self, what: str, text: str, given: str) -> str:
        """The signature of a chunk or the trailers, which is that of the request's next one's beginning."""
        if self._claim is None:
            raise S3Error("AccessDenied")
        head = f"{signature.ALGORITHM}-{what}\n{self._claim.moment}\n{self._claim.scope}\n"
        expected = signature.sign(self._key, (head + text).encode())
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise S3Error("SignatureDoesNotMatch", "The signature of a chunk does not match.")
        return given


class _Source:
    """Pieces, of which lines and lengths are taken. What was taken is dropped when more is fetched."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._ahead, self._at = b"", 0

    def line(self) -> bytes:
        """Up to the next CRLF, without it. Raises S3Error."""
        while (end := self._ahead.find(b"\r\n", self._at)) < 0:
            if len(self._ahead) - self._at > _LONGEST_LINE or not self._more():
                raise S3Error("IncompleteBody")
        found = self._ahead[self._at : end]
        self._at = end + 2
        return found

    def take(self, size_bytes: int) -> Iterator[bytes]:
        """Exactly so many bytes. Raises S3Error."""
        while size_bytes:
            if self._at == len(self._ahead) and not self._more():
                raise S3Error("IncompleteBody")
            piece = self._ahead[self._at : self._at + size_bytes]
            self._at += len(piece)
            size_bytes -= len(piece)
            yield piece

    def rest(self, most_bytes: int) -> bytes:
        """All that is left. Raises S3Error if it is too much."""
        while self._more():
            if len(self._ahead) > most_bytes:
                raise S3Error("MalformedTrailerError")
        return self._ahead[self._at :]

    def _more(self) -> bool:
        piece = next(self._pieces, b"")
        self._ahead, self._at = self._ahead[self._at :] + piece, 0
        return bool(piece)


def _head(line: bytes) -> tuple[int, str]:
    """A chunk's length and signature. Raises S3Error."""
    text, _, extension = line.partition(b";")
    try:
        size_bytes = int(text, 16) if text.isalnum() and len(text) <= 16 else -1
    except ValueError:
        size_bytes = -1
    if size_bytes < 0:
        raise S3Error("IncompleteBody", "The length of a chunk is none.")
    return size_bytes, extension.removeprefix(b"chunk-signature=").decode("latin-1")


def _length(request: HttpRequest, name: str) -> int | None:
    text = request.META.get(name) or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise S3Error("InvalidArgument", "A length of the body is no length.")
    return int(text)
