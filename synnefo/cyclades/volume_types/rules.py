"""What may be done with volume types."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.cyclades.volume_types.models import VolumeType


def types_for(caller: Caller) -> QuerySet[VolumeType]:
    """The one door: types that the caller may use."""
    rows = VolumeType.objects.filter(deleted=False)
    return (
        rows
        if caller.is_admin
        else rows.filter(Q(public=True) | Q(access__project=caller.project)).distinct()
    )


def of_template(caller: Caller, disk_template: str) -> VolumeType:
    """The (first) type of the template; made if there is none. Raises BadRequest, Forbidden."""
    if not caller.is_admin:
        raise Forbidden("Only administrators make volume types.")
    if not disk_template.isprintable() or not 1 <= len(disk_template) <= 32:
        raise BadRequest("A disk template is a word of 1 to 32 characters.")
    found = VolumeType.objects.filter(disk_template=disk_template, deleted=False).order_by("pk").first()
    return found or VolumeType.objects.create(name=disk_template, disk_template=disk_template)
