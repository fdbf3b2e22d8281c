"""What the OAuth 2 provider keeps beside allauth's own tables: tables only.

A client, its secret (hashed as passwords are), its redirect URIs and its OpenID Connect tokens are
allauth's (``allauth.idp.oidc.models``). Codes and tokens here are those of 0.21's flow; of both only the
SHA-256 is kept.
"""

from __future__ import annotations

from allauth.idp.oidc.models import Client
from django.db import models
from django.utils import timezone

from synnefo.astakos.accounts.models import User


class OAuthClient(models.Model):
    """The number by which commands know a client, and where its pages are. Its identifier is allauth's id."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, related_name="numbered")
    url = models.CharField(max_length=1024, blank=True)


class OAuthCode(models.Model):
    """A code of 0.21's flow: good once, for its client and redirect URI, until ``expires``."""

    digest = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    redirect_uri = models.TextField()
    scope = models.TextField(blank=True)
    expires = models.DateTimeField(db_index=True)


class OAuthToken(models.Model):
    """An access token of 0.21's flow. ``scope`` is what it opens: the beginning of a URL."""

    digest = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    scope = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(db_index=True)


class SigningKey(models.Model):
    """A key that signs ID tokens. ``sealed`` is its PEM, encrypted; the newest one signs, all verify."""

    sealed = models.TextField()
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(null=True)
