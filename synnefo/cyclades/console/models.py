"""The table of console tickets."""

from __future__ import annotations

from django.db import models

from synnefo.cyclades.servers.models import Server


class ConsoleTicket(models.Model):
    """A right to one connection to a server's screen; only the digest of its secret is kept.

    ``sealed`` is the password of one that a classic VNC client uses, which proves that it knows it.
    """

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tickets")
    digest = models.CharField(max_length=64, unique=True)
    userid = models.CharField(max_length=36)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)
    sealed = models.TextField(blank=True, default="")
