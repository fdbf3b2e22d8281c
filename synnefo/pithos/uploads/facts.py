"""What S3 knows of an object's content and other faces do not: ETags of parts, checksums.

It is kept with the version's attributes, which stay when another face changes the content. So the hash of
the content that it is about is kept with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from synnefo.pithos.blocks.content import Content
from synnefo.pithos.namespace.models import Version

#: The domain of these attributes.
S3 = "s3"


def about(content: Content, known: Mapping[str, str]) -> dict[str, str]:
    """Attributes that say what is known of this content, to be kept in the domain."""
    return {**known, "of": content.hash} if known else {}


def of(version: Version) -> dict[str, str]:
    """What is known of a version's content, of: ``etag``, ``upload``, ``checksum``, ``algorithm``, ``type``."""
    kept: dict[str, str] = version.attributes.get(S3, {})
    return (
        {name: text for name, text in kept.items() if name != "of"} if kept.get("of") == version.hash else {}
    )
