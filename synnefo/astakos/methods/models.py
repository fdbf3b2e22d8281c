"""Login methods of users, identities that wait for their sign-up, policy profiles: tables, no decisions."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone

from synnefo.astakos.accounts.models import User

LOCAL = "local"


class AuthMethod(models.Model):
    """A way by which a user signs in. ``identifier`` is what the provider calls him; "" for ``local``.

    Which methods an account has is said here alone. ``info`` keeps what the provider told of him.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="auth_methods")
    module = models.CharField(max_length=32)
    identifier = models.CharField(max_length=255, blank=True)
    active = models.BooleanField(default=True)
    affiliation = models.CharField(max_length=255, blank=True)
    info = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(default=timezone.now)
    last_login = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("user", "module", "identifier"), name="one_method_per_user_and_identifier"
            ),
            models.UniqueConstraint(
                fields=("module", "identifier"), condition=~Q(identifier=""), name="one_user_per_identifier"
            ),
            models.UniqueConstraint(
                fields=("user",), condition=Q(module=LOCAL), name="one_local_method_per_user"
            ),
        )


class PendingThirdParty(models.Model):
    """An identity that a provider vouched for and that has no account yet; the sign-up form takes it up.

    The form's address carries a token of which only the SHA-256 is kept. Signing in again renews the row.
    """

    token_digest = models.CharField(max_length=64, unique=True)
    module = models.CharField(max_length=32)
    identifier = models.CharField(max_length=255)
    email = models.CharField(max_length=254, blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    affiliation = models.CharField(max_length=255, blank=True)
    info = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("module", "identifier"), name="one_pending_user_per_identity"),
        )


class AuthPolicy(models.Model):
    """A profile that says, for some users and groups, what may be done with a provider; None: no opinion.

    An exclusive profile speaks of every provider but the one it names. Of several the one with the higher
    priority counts, and groups before users.
    """

    name = models.CharField(max_length=255, unique=True)
    provider = models.CharField(max_length=32)
    is_exclusive = models.BooleanField(default=False)
    priority = models.IntegerField(default=1)
    active = models.BooleanField(default=True)
    users = models.ManyToManyField(User, related_name="auth_policies", blank=True)
    groups = models.ManyToManyField(Group, related_name="auth_policies", blank=True)
    policy_add = models.BooleanField(null=True, blank=True)
    policy_remove = models.BooleanField(null=True, blank=True)
    policy_create = models.BooleanField(null=True, blank=True)
    policy_login = models.BooleanField(null=True, blank=True)
    policy_limit = models.IntegerField(null=True, blank=True)
    policy_required = models.BooleanField(null=True, blank=True)
    policy_automoderate = models.BooleanField(null=True, blank=True)
    policy_switch = models.BooleanField(null=True, blank=True)
