"""Which nouns identity v3 has."""

from __future__ import annotations

from synnefo.astakos.identity.v3 import (
    assignments,
    auth,
    catalog,
    credentials,
    domains,
    ec2,
    groups,
    projects,
    refused,
    roles,
    users,
)

ROUTERS = (
    ("/auth", auth.router),
    ("", users.router),
    ("", projects.router),
    ("", domains.router),
    ("", groups.router),
    ("", roles.router),
    ("", assignments.router),
    ("", credentials.router),
    ("", ec2.router),
    ("", catalog.router),
    ("", refused.router),
)
