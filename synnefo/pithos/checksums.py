"""The checksums that S3 has besides MD5: taken while content streams, and made of those of its parts.

Values are texts as S3 writes them: base64, and behind that ``-<n>`` if it is a checksum of n checksums.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from awscrt import checksums as crt

COMPOSITE = "COMPOSITE"
FULL_OBJECT = "FULL_OBJECT"


@dataclasses.dataclass(frozen=True, slots=True)
class _Crc:
    """``combine`` makes the CRC of two pieces of theirs and the second one's length."""

    step: Callable[[bytes, int], int]
    combine: Callable[[int, int, int], int]
    width_bytes: int


_CRCS = {
    "CRC32": _Crc(crt.crc32, crt.combine_crc32, 4),
    "CRC32C": _Crc(crt.crc32c, crt.combine_crc32c, 4),
    "CRC64NVME": _Crc(crt.crc64nvme, crt.combine_crc64nvme, 8),
}
_HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256}

ALGORITHMS = (*_CRCS, *_HASHES)


class Running(Protocol):
    """A checksum that is being taken, as ``hashlib`` has them."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _RunningCrc:
    def __init__(self, crc: _Crc) -> None:
        self._crc, self._value = crc, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._crc.step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._crc.width_bytes, "big")


def running(algorithm: str) -> Running:
    crc = _CRCS.get(algorithm)
    return _RunningCrc(crc) if crc else _HASHES[algorithm](usedforsecurity=False)


class Watched:
    """Pieces on their way, of which checksums are taken as they pass."""

    def __init__(self, pieces: Iterable[bytes], algorithms: Iterable[str]) -> None:
        self._pieces = pieces
        self._running = {name: running(name) for name in algorithms}

    def __iter__(self) -> Iterator[bytes]:
        takers = list(self._running.values())
        for piece in self._pieces:
            for taker in takers:
                taker.update(piece)
            yield piece

    def values(self) -> dict[str, str]:
        """The checksums of what has passed, by algorithm."""
        return {name: encoded(taker.digest()) for name, taker in self._running.items()}


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def decoded(algorithm: str, text: str) -> bytes:
    """Raises ValueError if it is no checksum of this kind."""
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{text!r} is not base64") from error
    if len(digest) != len(running(algorithm).digest()):
        raise ValueError(f"{text!r} is no {algorithm}")
    return digest


def types_of(algorithm: str) -> tuple[str, ...]:
    """What checksums of content in parts there are with an algorithm; the usual one first."""
    if algorithm == "CRC64NVME":
        return (FULL_OBJECT,)
    return (COMPOSITE, FULL_OBJECT) if algorithm in _CRCS else (COMPOSITE,)


def combined(algorithm: str, kind: str, parts: Sequence[tuple[str, int]]) -> str:
    """The checksum of content of those of its parts and their lengths in bytes; there is a part at least."""
    digests = [decoded(algorithm, text) for text, _ in parts]
    if kind == COMPOSITE:
        taker = running(algorithm)
        taker.update(b"".join(digests))
        return f"{encoded(taker.digest())}-{len(parts)}"
    crc = _CRCS[algorithm]
    value = int.from_bytes(digests[0], "big")
    for digest, (_, size_bytes) in zip(digests[1:], parts[1:], strict=True):
        value = crc.combine(value, int.from_bytes(digest, "big"), size_bytes)
    return encoded(value.to_bytes(crc.width_bytes, "big"))
