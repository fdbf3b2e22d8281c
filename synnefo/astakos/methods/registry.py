"""The ways to sign in that this cloud knows, and which of them are enabled, in which order.

Says nothing about users; what a user may do with a provider is asked of ``policies``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from synnefo.astakos.methods.models import LOCAL
from synnefo.common.faults import ItemNotFound

#: A field of an account: what the provider calls it, and whether the user may give another value.
AttributeMap = Mapping[str, tuple[str, bool]]

_OIDC_MAP: AttributeMap = {
    "identifier": ("sub", False),
    "email": ("email", True),
    "first_name": ("given_name", True),
    "last_name": ("family_name", True),
}

MESSAGES = {
    "title": "{title}",
    "login_title": "Sign in with {title}",
    "method_prompt": "{title}",
    "add_prompt": "Sign in with {title}, too",
    "required": "Every account of this cloud must have {title} among its ways to sign in.",
    "cannot_login": "Signing in with {title} is not possible here.",
    "disabled_for_create": "Accounts cannot be made with {title}. "
    "Sign in another way, then add {title} on the page of your account.",
    "cannot_add": "{title} cannot be added to your account.",
    "cannot_remove": "{title} cannot be removed from your account.",
    "belongs_to_other": "This {title} identity belongs to another account.",
    "not_signed_up": "No account signs in with this {title} identity.",
    "failed": "{title} did not vouch for you. Try again.",
}


@dataclasses.dataclass(frozen=True)
class Provider:
    """``asks_password``: signing in is a form here; otherwise the provider's own page, or a header."""

    module: str
    name: str
    asks_password: bool = False
    switchable: bool = False
    attributes: AttributeMap = dataclasses.field(default_factory=lambda: _OIDC_MAP)

    @property
    def is_local(self) -> bool:
        return self.module == LOCAL

    @property
    def title(self) -> str:
        return self.message("title")

    @property
    def login_title(self) -> str:
        return self.message("login_title")

    def message(self, name: str) -> str:
        """A text about the provider; a setting for it, or for all providers, overrides ours."""
        text = provider_setting(self.module, name.upper())
        values = {"title": self.name, "service": settings.BRANDING_SERVICE_NAME}
        if name != "title":
            values["title"] = self.title
        return str(MESSAGES[name] if text is None else text).format_map(values)

    def attribute_map(self) -> AttributeMap:
        """What is taken over of the provider's attributes."""
        own: Any = provider_setting(self.module, "USER_ATTR_MAP")
        return {**self.attributes, **{name: _attribute(value) for name, value in (own or {}).items()}}


def _attribute(value: Any) -> tuple[str, bool]:
    """``"mail"`` or ``("mail", False)``."""
    return (value, True) if isinstance(value, str) else (value[0], bool(value[1]))


PROVIDERS: Mapping[str, Provider] = {
    provider.module: provider
    for provider in (
        Provider(LOCAL, "E-mail and password", asks_password=True, attributes={}),
        Provider(
            "ldap",
            "Enterprise",
            asks_password=True,
            attributes={
                "identifier": ("objectGUID", False),
                "email": ("mail", True),
                "first_name": ("givenName", True),
                "last_name": ("sn", True),
            },
        ),
        Provider(
            "shibboleth",
            "Academic",
            attributes={
                "identifier": ("REMOTE_USER", False),
                "email": ("Shib-Mail", True),
                "first_name": ("Shib-InetOrgPerson-givenName", True),
                "last_name": ("Shib-Person-surname", True),
            },
        ),
        Provider("oidc", "Single sign-on", switchable=True),
        Provider("google", "Google", switchable=True),
        Provider("linkedin", "LinkedIn", switchable=True),
        Provider(
            "twitter",
            "Twitter",
            switchable=True,
            attributes={**_OIDC_MAP, "identifier": ("id", False), "email": ("confirmed_email", True)},
        ),
    )
}


def enabled() -> list[Provider]:
    """In the order of ``ASTAKOS_IM_MODULES``; the first one has the large form."""
    return [PROVIDERS[module] for module in settings.ASTAKOS_IM_MODULES if module in PROVIDERS]


def get(module: str) -> Provider:
    """Raises ItemNotFound if it is unknown, or not enabled."""
    for provider in enabled():
        if provider.module == module:
            return provider
    raise ItemNotFound("There is no such way to sign in.")


def provider_setting(module: str, name: str) -> Any:
    """``ASTAKOS_AUTH_PROVIDER_<MODULE>_<NAME>``, else ``ASTAKOS_AUTH_PROVIDERS_<NAME>``, else None."""
    own = getattr(settings, f"ASTAKOS_AUTH_PROVIDER_{module.upper()}_{name}", None)
    return own if own is not None else getattr(settings, f"ASTAKOS_AUTH_PROVIDERS_{name}", None)
