"""Every table of Astakos, gathered from the rooms for Django."""

from __future__ import annotations

from synnefo.astakos.accounts.models import ApplicationCredential, LoginAttempt, Token, User
from synnefo.astakos.catalog.models import Component, Endpoint, Resource, Service
from synnefo.astakos.methods.models import AuthMethod, AuthPolicy, PendingThirdParty
from synnefo.astakos.projects.models import Membership, MembershipLog, Project, ProjectLimit, ProjectLog
from synnefo.astakos.quotas.models import (
    Commission,
    Delta,
    Holding,
    Provision,
    ProvisionLog,
    QuotaWarning,
)
from synnefo.astakos.requests.models import QuotaRequest, RequestedAmount, RequestLog

__all__ = [
    "ApplicationCredential",
    "AuthMethod",
    "AuthPolicy",
    "Commission",
    "Component",
    "Delta",
    "Endpoint",
    "Holding",
    "LoginAttempt",
    "Membership",
    "MembershipLog",
    "PendingThirdParty",
    "Project",
    "ProjectLimit",
    "ProjectLog",
    "Provision",
    "ProvisionLog",
    "QuotaRequest",
    "QuotaWarning",
    "RequestLog",
    "RequestedAmount",
    "Resource",
    "Service",
    "Token",
    "User",
]
