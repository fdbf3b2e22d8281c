"""What clients may send to identity v3."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return _no_nul(text)


Text = Annotated[str, StringConstraints(max_length=255), AfterValidator(_no_nul)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_not_blank)]
#: As long as Keystone lets names of projects and domains be.
ShortName = Annotated[Name, StringConstraints(max_length=64)]
LongText = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_no_nul)]
Tag = Annotated[Text, StringConstraints(min_length=1)]
Secret = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_no_nul)]


class DomainRef(Schema):
    id: Text | None = None
    name: Text | None = None


class UserRef(Schema):
    id: Text | None = None
    name: Text | None = None
    domain: DomainRef | None = None


class PasswordUser(UserRef):
    password: Secret


class PasswordMethod(Schema):
    user: PasswordUser


class PasscodeUser(UserRef):
    passcode: Secret


class PasscodeMethod(Schema):
    user: PasscodeUser


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
    totp: PasscodeMethod | None = None
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
    description: LongText | None = None
    secret: Secret | None = None
    roles: list[RoleRef] | None = Field(None, max_length=16)
    expires_at: datetime.datetime | None = None
    unrestricted: bool = False
    access_rules: list[object] | None = None


class NewCredentialRequest(Schema):
    application_credential: NewCredential


class Described(BaseModel):
    """What clients add of their own is kept with it: ``extra``."""

    model_config = ConfigDict(extra="allow")

    description: LongText | None = None
    options: dict[str, Any] = {}

    @property
    def extra(self) -> dict[str, Any]:
        return self.model_extra or {}


def changes_of(given: Described) -> dict[str, Any]:
    """What was really said, by the names that rules have for it."""
    names = given.model_fields_set & set(type(given).model_fields)
    said = {_NAMES.get(name, name): getattr(given, name) for name in names}
    if "description" in said:
        said["description"] = said["description"] or ""
    return {**said, "extra": given.extra} if given.extra else said


_NAMES = {"default_project_id": "default_project"}


class NewDomain(Described):
    name: ShortName
    enabled: StrictBool = True
    tags: list[Tag] = Field([], max_length=80)


class DomainRequest(Schema):
    domain: NewDomain


class ChangedDomain(Described):
    name: ShortName = ""
    enabled: StrictBool = True
    tags: list[Tag] = Field([], max_length=80)


class DomainChange(Schema):
    domain: ChangedDomain


class NewProject(NewDomain):
    domain_id: Text | None = None
    parent_id: Text | None = None
    is_domain: bool = False


class ProjectRequest(Schema):
    project: NewProject


class ChangedProject(ChangedDomain):
    domain_id: Text | None = None
    parent_id: Text | None = None
    is_domain: bool = False


class ProjectChange(Schema):
    project: ChangedProject


class TagsRequest(Schema):
    tags: list[Tag] = Field(max_length=80)


class UserPart(Described):
    email: Text | None = None
    password: Secret | None = None
    enabled: StrictBool = True
    default_project_id: Text | None = None


class NewUser(UserPart):
    name: Name
    domain_id: Text | None = None


class UserRequest(Schema):
    user: NewUser


class ChangedUser(UserPart):
    name: Name = ""
    domain_id: Text | None = None


class UserChange(Schema):
    user: ChangedUser


class ChangedPassword(Schema):
    original_password: Secret
    password: Secret


class PasswordChange(Schema):
    user: ChangedPassword


class NewGroup(Described):
    name: Name
    domain_id: Text | None = None


class GroupRequest(Schema):
    group: NewGroup


class ChangedGroup(Described):
    name: Name = ""
    domain_id: Text | None = None


class GroupChange(Schema):
    group: ChangedGroup


class NewRole(Described):
    name: Name
    domain_id: Text | None = None


class RoleRequest(Schema):
    role: NewRole


class ChangedRole(Described):
    name: Name = ""


class RoleChange(Schema):
    role: ChangedRole


class NewService(Described):
    type: Name
    name: Text | None = None
    enabled: StrictBool = True


class ServiceRequest(Schema):
    service: NewService


class NewEndpoint(Described):
    service_id: Text
    url: Annotated[Text, StringConstraints(min_length=1)]
    interface: Literal["public", "internal", "admin"]
    region_id: Text | None = None
    region: Text | None = None
    enabled: StrictBool = True


class EndpointRequest(Schema):
    endpoint: NewEndpoint


class NewAccessKey(Schema):
    tenant_id: Text


class Ec2Credentials(Schema):
    """What a service was shown of a signed request to EC2."""

    access: Text
    signature: Text
    host: Text = ""
    verb: Text = "GET"
    path: LongText = "/"
    params: dict[str, LongText] = {}
    headers: dict[str, LongText] = {}
    body_hash: Text = ""


class Ec2Request(Schema):
    credentials: Ec2Credentials | None = None
    ec2Credentials: Ec2Credentials | None = None  # noqa: N815  the API's name


class S3Credentials(Schema):
    """``token`` is the string that was signed, in URL-safe base64."""

    access: Text
    signature: Text
    token: Secret


class S3Request(Schema):
    credentials: S3Credentials
