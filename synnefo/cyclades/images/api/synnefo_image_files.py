"""Content of images in image v1, in the bodies of requests and answers: read and sent piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, ItemNotFound
from synnefo.common.http.streams import is_chunked, pieces
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image

_OCTETS = "application/octet-stream"


def has_content(request: HttpRequest) -> bool:
    """Whether a body came that is called the content of an image; others are passed over, as ever."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == _OCTETS and (
        is_chunked(request) or request.META.get("CONTENT_LENGTH") not in ("", "0", None)
    )


def content_of(request: HttpRequest) -> Iterator[bytes]:
    """Raises BadRequest (cut short), RequestTooLarge."""
    return pieces(request, settings.SYNNEFO_OBJECT_MAX_BYTES)


def answered(caller: Caller, image: Image) -> StreamingHttpResponse:
    """Raises ItemNotFound (it waits for its content), Forbidden (it was deactivated)."""
    if image.status == Image.Status.DEACTIVATED and not caller.is_admin:
        raise Forbidden("The image is deactivated.")
    if not image.hold or image.status not in (Image.Status.AVAILABLE, Image.Status.DEACTIVATED):
        raise ItemNotFound("The image has no content yet.")
    response = StreamingHttpResponse(rules.read(image), content_type=_OCTETS)
    response["Content-Length"] = str(image.size_bytes)
    if image.checksum:
        response["ETag"] = image.checksum
    return response
