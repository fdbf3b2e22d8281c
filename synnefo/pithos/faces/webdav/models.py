"""The table of locks, which all processes share."""

from __future__ import annotations

from django.db import models

from synnefo.common.ids import new_uuid
from synnefo.pithos.namespace.models import Container, NameField

_SCHEME = "urn:uuid:"


class DavLock(models.Model):
    """A lock on a path (empty: the container), with all that is below it if it is ``deep``.

    ``user`` may use it; ``owner`` is what his client says about him, as XML. It counts until it ``expires``.
    """

    token = models.CharField(max_length=36, unique=True, default=new_uuid)
    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = NameField(max_length=1024, blank=True)
    user = models.CharField(max_length=256)
    is_shared = models.BooleanField(default=False)
    is_deep = models.BooleanField(default=True)
    owner = models.TextField(blank=True)
    timeout_s = models.PositiveIntegerField()
    expires = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("container", "name"), name="dav_lock_place"),)

    @property
    def href(self) -> str:
        """The token as clients hold it."""
        return f"{_SCHEME}{self.token}"

    @staticmethod
    def token_of(href: str) -> str:
        """What ``href`` names; empty if it names no lock of ours."""
        return href.removeprefix(_SCHEME) if href.startswith(_SCHEME) else ""
