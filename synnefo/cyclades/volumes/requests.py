"""What is asked for when a volume is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes.models import Volume


@dataclasses.dataclass(frozen=True)
class VolumeRequest:
    """A volume to be. Without a size it is as large as its source; without a type it has the source's, or the
    default one.

    ``source_uuid`` is that of an image, a snapshot or a volume, as ``source`` says.
    """

    size_gib: int | None = None
    name: str = ""
    description: str = ""
    volume_type: VolumeType | None = None
    source: Volume.Source = Volume.Source.BLANK
    source_uuid: str = ""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    delete_on_termination: bool = True
