"""Content on its way to clients, block by block: all of it, a part, or several parts in one answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.http import StreamingHttpResponse

from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content, read
from synnefo.pithos.faces.joined import Joined
from synnefo.pithos.faces.ranges import Span

#: What can be sent: an object's content, or that of several.
Sendable = Content | Joined

#: People's files are shown by browsers as strangers: without scripts, and not as this cloud's own pages.
STRANGER = "sandbox; default-src 'none'"


def whole(content: Sendable, content_type: str) -> StreamingHttpResponse:
    return _streamed(content, (0, content.size_bytes), content_type, 200)


def part(content: Sendable, span: Span, content_type: str) -> StreamingHttpResponse:
    response = _streamed(content, span, content_type, 206)
    response["Content-Range"] = _place(content, span)
    return response


def parts(content: Sendable, spans: Sequence[Span], header: str) -> StreamingHttpResponse:
    """Each part has the header of its own, and says where it belongs."""
    boundary = uuid.uuid4().hex
    heads = [f"--{boundary}\r\nContent-Range: {_place(content, span)}\r\n{header}\r\n\r\n" for span in spans]
    end = f"--{boundary}--\r\n"

    def framed() -> Iterator[bytes]:
        for head, span in zip(heads, spans, strict=True):
            yield head.encode()
            yield from pieces(content, span)
            yield b"\r\n"
        yield end.encode()

    kind = f"multipart/byteranges; boundary={boundary}"
    response = StreamingHttpResponse(framed(), status=206, content_type=kind)
    framing = sum(len(head.encode()) + 2 for head in heads) + len(end)
    response["Content-Length"] = str(framing + sum(stop - start for start, stop in spans))
    return response


def _streamed(content: Sendable, span: Span, content_type: str, status: int) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces(content, span), status=status, content_type=content_type)
    response["Content-Length"] = str(span[1] - span[0])
    return response


def pieces(content: Sendable, span: Span) -> Iterator[bytes]:
    """Some of the content, as it is read."""
    if isinstance(content, Joined):
        return content.pieces(*span)
    return read(blocks(), content, settings.PITHOS_BACKEND_BLOCK_SIZE, *span)


def _place(content: Sendable, span: Span) -> str:
    return f"bytes {span[0]}-{span[1] - 1}/{content.size_bytes}"
