"""Users, terms, changes of e-mail, tokens, application credentials, failed logins: tables and states, no
decisions."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from synnefo.astakos.projects.models import Project
from synnefo.common.ids import new_uuid


class Terms(models.Model):
    """A version of the terms of use, as sanitised HTML; the newest one is in force and is never changed."""

    content = models.TextField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "terms"


class User(AbstractUser):
    """An account, known outside by its uuid. ``username`` is the e-mail in lower case.

    Where ``shares_email``, another account has that e-mail too (both were imported): the user name is the
    uuid then, so that nobody signs in by the address until one of them is merged or removed.

    ``terms_due`` is None for who has signed all there is to sign; else the moment from which the APIs
    refuse him, while pages ask him at once. A removed account stays as a row without anything of its user
    (``removed_at``), so that its uuid names nobody else, ever.
    """

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
    activation_sent = models.DateTimeField(null=True, blank=True)
    accepted_email = models.EmailField(max_length=254, blank=True)
    moderated_data = models.JSONField(default=dict, blank=True)
    signed_terms = models.ForeignKey(Terms, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    date_signed_terms = models.DateTimeField(null=True, blank=True)
    terms_due = models.DateTimeField(null=True, blank=True)
    profile_visited = models.BooleanField(default=False)
    affiliation = models.CharField(max_length=255, blank=True)
    level = models.IntegerField(default=4)
    invitations = models.IntegerField(default=0)
    shares_email = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True, blank=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta(AbstractUser.Meta):
        constraints = (
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(email_verified=True, moderated=True, is_rejected=False),
                name="only_accepted_users_are_active",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(is_active=False, email=""),
                name="nothing_is_left_of_removed_users",
            ),
        )
        indexes = (models.Index(Lower("email"), name="user_email_in_lower_case"),)

    @property
    def realname(self) -> str:
        return self.get_full_name()

    @property
    def has_signed_terms(self) -> bool:
        return self.terms_due is None

    @property
    def is_accepted(self) -> bool:
        return self.email_verified and self.moderated and not self.is_rejected

    @property
    def status(self) -> str:
        """The state in words, as operators know it."""
        if self.removed_at is not None:
            return "Removed"
        if not self.email_verified:
            return "Pending email verification"
        if not self.moderated:
            return "Pending moderation"
        if self.is_rejected:
            return f"Rejected ({self.rejected_reason})"
        if self.is_active:
            return f"Accepted/Active ({self.accepted_policy})"
        return f"Accepted/Inactive ({self.deactivated_reason})"


class EmailChange(models.Model):
    """A user's wish for another address, until both addresses have confirmed it. ``uuid`` is in the links."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    new_email = models.EmailField(max_length=254)
    requested = models.DateTimeField(auto_now_add=True)
    confirmed_by_old = models.DateTimeField(null=True)
    confirmed_by_new = models.DateTimeField(null=True)


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

    ``scope`` of a token that is for no project, as administrators have: ``system``, or ``domain:`` and which.
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
