"""How far an import has come. A table's columns only."""

from __future__ import annotations

from django.db import models


class Progress(models.Model):
    """A step of the import. ``last_key`` is the last old row that is here; what comes after it is not yet.

    It is written in the transaction that writes the rows, so that an import that was cut off goes on at the
    row where it stopped. ``source`` tells one old database from another.
    """

    step = models.CharField(max_length=32, unique=True)
    source = models.CharField(max_length=64)
    last_key = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    finished = models.DateTimeField(null=True)

    class Meta:
        abstract = True
