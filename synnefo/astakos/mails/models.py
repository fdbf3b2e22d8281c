"""The outbox: mails that are to be sent, and for a while those that were."""

from __future__ import annotations

from django.db import models


class Mail(models.Model):
    """A mail to one address, tried again from ``due`` on until it is sent or given up.

    The text is dropped once a mail server has taken the mail: it may hold links that let somebody in.
    """

    template = models.CharField(max_length=64)
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=255)
    text = models.TextField()
    html = models.TextField()
    created = models.DateTimeField(auto_now_add=True)
    due = models.DateTimeField()
    tries = models.IntegerField(default=0)
    sent = models.DateTimeField(null=True)
    given_up = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("due",),
                condition=models.Q(sent__isnull=True, given_up__isnull=True),
                name="mails_to_send",
            ),
            models.Index(fields=("created",), name="mail_created"),
        )
        ordering = ("-pk",)

    @property
    def status(self) -> str:
        if self.sent is not None:
            return "Sent"
        if self.given_up is not None:
            return "Given up"
        return "To be tried again" if self.error else "Waiting"
