"""Users, tokens, application credentials, failed logins: tables and states, no decisions."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

from synnefo.astakos.projects.models import Project
from synnefo.common.ids import new_uuid


class User(AbstractUser):
    """An account, known outside by its uuid. ``username`` is the e-mail in lower case."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid, editable=False)
    username = models.CharField(max_length=254, unique=True)
    email = models.EmailField(max_length=254)
    is_active = models.BooleanField(default=False)
    email_verified = models.BooleanField(default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    moderated = models.BooleanField(default=False)
    moderated_at = models.DateTimeField(null=True, blank=True)
    accepted_policy = models.CharField(max_length=255, blank=True)
    is_rejected = models.BooleanField(default=False)
    rejected_reason = models.TextField(blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    deactivated_reason = models.TextField(blank=True)
    default_project = models.CharField(max_length=36, blank=True)

    class Meta(AbstractUser.Meta):
        constraints = (
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(email_verified=True, moderated=True, is_rejected=False),
                name="only_accepted_users_are_active",
            ),
        )

    @property
    def realname(self) -> str:
        return self.get_full_name()

    @property
    def is_accepted(self) -> bool:
        return self.email_verified and self.moderated and not self.is_rejected

    @property
    def status(self) -> str:
        """The state in words, as operators know it."""
        if not self.email_verified:
            return "Pending email verification"
        if not self.moderated:
            return "Pending moderation"
        if self.is_rejected:
            return f"Rejected ({self.rejected_reason})"
        if self.is_active:
            return f"Accepted/Active ({self.accepted_policy})"
        return f"Accepted/Inactive ({self.deactivated_reason})"


class ApplicationCredential(models.Model):
    """A secret for a program that acts for a user in one project, with some of his roles.

    ``services``: the types of service that it is good for, by comma; empty: all.
    """

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="application_credentials")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    secret_digest = models.CharField(max_length=64)
    roles = models.JSONField(default=list)
    services = models.CharField(max_length=255, blank=True)
    unrestricted = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True)
    expires = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="one_credential_name_per_user"),)


class Token(models.Model):
    """Proof of identity for the APIs. Only the SHA-256 of the token is kept.

    ``only_roles`` narrows the user's roles to these, ``services`` the services that it is good for to these
    types; both by comma, both without limit where empty. They repeat what its application credential says, or
    its ``parent`` (the token that it was made from, and ends with), so that looking a token up needs no
    further table. A token ``confined`` to its project reaches nothing else in any facade.

    ``scope`` of a token that is for no project, as administrators have them: ``system``, or ``domain:`` and which.
    """

    class Kind(models.TextChoices):
        API = "api", "made by hand"
        LOGIN = "login", "from a password or another token"
        CREDENTIAL = "credential", "from an application credential"

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.API)
    name = models.CharField(max_length=255, blank=True)
    methods = models.CharField(max_length=64, default="token")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    application_credential = models.ForeignKey(ApplicationCredential, null=True, on_delete=models.CASCADE)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    scope = models.CharField(max_length=43, blank=True)
    only_roles = models.CharField(max_length=64, blank=True)
    services = models.CharField(max_length=255, blank=True)
    confined = models.BooleanField(default=False)
    read_only = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True)
    expires = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("expires",), name="token_expires"),)


class LoginAttempt(models.Model):
    """A failed login, counted per address and per name. ``key`` holds the digest of either."""

    key = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("key", "at"), name="login_attempts"),)
