"""Every table of Astakos, gathered from the rooms for Django."""

from __future__ import annotations

from synnefo.astakos.accounts.models import (
    ApplicationCredential,
    EmailChange,
    LoginAttempt,
    Terms,
    Token,
    User,
)
from synnefo.astakos.catalog.models import Component, Endpoint, Resource, Service
from synnefo.astakos.directory.models import Domain, GroupEntry, ProjectEntry, UserEntry
from synnefo.astakos.keys.models import AccessKey
from synnefo.astakos.legacy.models import LegacyImport
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.methods.models import AuthMethod, AuthPolicy, PendingThirdParty
from synnefo.astakos.oauth.models import OAuthClient, OAuthCode, OAuthToken, SigningKey
from synnefo.astakos.projects.models import (
    ApplicationGrant,
    Membership,
    MembershipLog,
    Project,
    ProjectApplication,
    ProjectLimit,
    ProjectLog,
)
from synnefo.astakos.quotas.models import (
    Commission,
    Delta,
    Holding,
    Provision,
    ProvisionLog,
    QuotaWarning,
)
from synnefo.astakos.requests.models import QuotaRequest, RequestedAmount, RequestLog
from synnefo.astakos.roles.models import Assignment, Implication, Role

__all__ = [
    "AccessKey",
    "ApplicationCredential",
    "ApplicationGrant",
    "Assignment",
    "AuthMethod",
    "AuthPolicy",
    "Commission",
    "Component",
    "Delta",
    "Domain",
    "EmailChange",
    "Endpoint",
    "GroupEntry",
    "Holding",
    "Implication",
    "LegacyImport",
    "LoginAttempt",
    "Mail",
    "Membership",
    "MembershipLog",
    "OAuthClient",
    "OAuthCode",
    "OAuthToken",
    "PendingThirdParty",
    "Project",
    "ProjectApplication",
    "ProjectEntry",
    "ProjectLimit",
    "ProjectLog",
    "Provision",
    "ProvisionLog",
    "QuotaRequest",
    "QuotaWarning",
    "RequestLog",
    "RequestedAmount",
    "Resource",
    "Role",
    "Service",
    "SigningKey",
    "Terms",
    "Token",
    "User",
    "UserEntry",
]
