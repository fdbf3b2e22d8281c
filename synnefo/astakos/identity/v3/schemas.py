"""What clients may send to identity v3."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator, Field, StringConstraints


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    return text


Text = Annotated[str, StringConstraints(max_length=255), AfterValidator(_no_nul)]
Secret = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_no_nul)]


class DomainRef(Schema):
    id: Text | None = None
    name: Text | None = None

    @property
    def is_default(self) -> bool:
        return self.id == "default" if self.id is not None else (self.name or "").lower() == "default"


class UserRef(Schema):
    id: Text | None = None
    name: Text | None = None
    domain: DomainRef | None = None


class PasswordUser(UserRef):
    password: Secret


class PasswordMethod(Schema):
    user: PasswordUser


class TokenMethod(Schema):
    id: Secret


class CredentialMethod(Schema):
    id: Text | None = None
    name: Text | None = None
    user: UserRef | None = None
    secret: Secret


class IdentityPart(Schema):
    methods: list[Text] = Field(max_length=8)
    password: PasswordMethod | None = None
    token: TokenMethod | None = None
    application_credential: CredentialMethod | None = None


class ProjectRef(Schema):
    id: Text | None = None
    name: Text | None = None
    domain: DomainRef | None = None


class ScopePart(Schema):
    project: ProjectRef | None = None
    domain: DomainRef | None = None
    system: dict[str, bool] | None = None
    unscoped: dict[str, str] | None = None


class AuthPart(Schema):
    identity: IdentityPart
    scope: ScopePart | Literal["unscoped"] | None = None


class AuthRequest(Schema):
    auth: AuthPart


class RoleRef(Schema):
    id: Text | None = None
    name: Text | None = None


class NewCredential(Schema):
    name: Annotated[Text, StringConstraints(min_length=1)]
    description: Annotated[str, StringConstraints(max_length=4096), AfterValidator(_no_nul)] | None = None
    secret: Secret | None = None
    roles: list[RoleRef] | None = Field(None, max_length=16)
    expires_at: datetime.datetime | None = None
    unrestricted: bool = False
    access_rules: list[object] | None = None


class NewCredentialRequest(Schema):
    application_credential: NewCredential
