"""What S3 knows of an object's content and other faces do not: ETags of parts, checksums.

It is kept with the version's attributes, which stay when another face changes the content. So the hash of
the content that it is about is kept with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from synnefo.pithos.blocks.content import Content
from synnefo.pithos.namespace.listing import Listed
from synnefo.pithos.namespace.models import S3, Version

#: ``upload`` is the one whose parts it is made of; ``type`` is how ``checksum`` is made of theirs.
_NAMES = ("etag", "upload", "checksum", "algorithm", "type")


def about(content: Content, known: Mapping[str, str]) -> dict[str, str]:
    """Attributes for the domain ``S3``."""
    return {**known, "of": content.hash} if known else {}


def of(version: Version | Listed) -> dict[str, str]:
    """What is known of the content of a version: some of ``_NAMES``."""
    kept: dict[str, str] = version.attributes.get(S3, {})
    if kept.get("of") != version.hash:
        return {}
    return {name: kept[name] for name in _NAMES if name in kept}
