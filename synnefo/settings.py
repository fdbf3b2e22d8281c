"""Django settings: the defaults of the enabled services, then ``/etc/synnefo/*.conf``, then the environment.

Every name is described in ``docs/settings.md``; a test fails when one is missing there. Nothing may
import this module by name: use ``django.conf.settings``.
"""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from synnefo.common import conf, logs

_known_services = {
    "astakos": "synnefo.astakos",
    "cyclades": "synnefo.cyclades",
    "pithos": "synnefo.pithos",
}


def _load() -> dict[str, Any]:
    made: dict[str, Any] = {}
    modules = ["synnefo.common.default_settings", "synnefo.up.default_settings"]
    modules += [f"{package}.default_settings" for package in _known_services.values()]
    for module in modules:
        made.update({name: value for name, value in vars(import_module(module)).items() if name.isupper()})
    conf.overlay_files(made, conf.settings_directory())
    conf.overlay_environment(made)
    return {name: value for name, value in made.items() if name.isupper()}


globals().update(_load())

_services: list[str] = globals()["SYNNEFO_SERVICES"]
_unknown = sorted(set(_services) - set(_known_services))
if _unknown:
    raise conf.ConfigurationError(f"SYNNEFO_SERVICES: unknown service {', '.join(_unknown)}")

_serves: list[str] = globals()["SYNNEFO_WEB_SERVES"]
_speaks_s3 = _serves == ["s3"]
if not _serves or not (_speaks_s3 or set(_serves) <= {"pages", "objects"}):
    raise conf.ConfigurationError(
        f"SYNNEFO_WEB_SERVES: {_serves!r} is no list of pages, objects, nor s3 alone"
    )

_data = Path(globals()["SYNNEFO_DATA"])
if "DATABASES" not in globals():
    _url = os.environ.get("DATABASE_URL", "")
    DATABASES = {
        "default": conf.database_from_url(_url) if _url else conf.sqlite_database(_data / "synnefo.db")
    }
if "pages" not in _serves:
    DATABASES = {
        name: conf.for_slow_clients(database, connections=globals()["PITHOS_WEB_CONNECTIONS"])
        for name, database in globals()["DATABASES"].items()
    }

SECRET_KEY: str = globals()["SECRET_KEY"]
_key_file = _data / "secret-key"
if not SECRET_KEY and _key_file.is_file():
    SECRET_KEY = _key_file.read_text(encoding="ascii").strip()

# Without a mail server mails are files that an administrator can read.
_mail_backend = "django.core.mail.backends.smtp" if globals()["EMAIL_HOST"] else "synnefo.astakos.mails.files"
globals().setdefault("EMAIL_BACKEND", f"{_mail_backend}.EmailBackend")
globals().setdefault("EMAIL_FILE_PATH", str(_data / "mails"))

# Behind a front proxy that speaks TLS, forms come from its address and cookies are for TLS alone.
_public = urlsplit(globals()["SYNNEFO_PUBLIC_URL"])
globals().setdefault(
    "CSRF_TRUSTED_ORIGINS", [f"{_public.scheme}://{_public.netloc}"] if _public.netloc else []
)
for _name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
    globals().setdefault(_name, _public.scheme == "https")

_objects = f"{globals()['PITHOS_BASE_PATH']}/object-store/".lstrip("/")
globals().setdefault("CORS_URLS_REGEX", f"^/{re.escape(_objects)}")

# Pages are for people who sign in. Where accounts are elsewhere, processes serve APIs alone.
_has_people = "astakos" in _services
_OF_PEOPLE = (
    "django.contrib.sessions.middleware",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.middleware.csrf",
    "synnefo.webproject.frame",
)
if not _has_people:
    globals()["MIDDLEWARE"] = [name for name in globals()["MIDDLEWARE"] if not name.startswith(_OF_PEOPLE)]
    for _engine in globals()["TEMPLATES"]:
        _processors = _engine["OPTIONS"]["context_processors"]
        _processors[:] = [name for name in _processors if not name.startswith(_OF_PEOPLE)]

MIDDLEWARE: list[str] = [
    *(["corsheaders.middleware.CorsMiddleware"] if "pithos" in _services else []),
    *globals()["MIDDLEWARE"],
]
INSTALLED_APPS: list[str] = [
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "synnefo.common",
    "synnefo.audit",
    "synnefo.engine",
    *(["corsheaders"] if "pithos" in _services else []),
    *(_known_services[name] for name in _known_services if name in _services),
    "synnefo.webproject",
]
if _has_people:
    MIDDLEWARE += [
        "allauth.account.middleware.AccountMiddleware",
        "synnefo.astakos.methods.devices.LastSeen",
        "synnefo.astakos.accounts.guards.Guards",
        "synnefo.astakos.cloudbar.cookie.TokenCookie",
    ]
    INSTALLED_APPS = [
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.messages",
        # The administrators' dashboard; ours before unfold's, whose templates it changes.
        "synnefo.admin",
        "unfold.apps.BasicAppConfig",
        "django.contrib.admin.apps.SimpleAdminConfig",
        *INSTALLED_APPS,
        "allauth",
        "allauth.account",
        "allauth.mfa",
        "allauth.socialaccount",
        "allauth.usersessions",
        "allauth.idp.oidc",
    ]
INSTALLED_APPS += globals().get("SYNNEFO_EXTRA_APPS", [])

#: Of processes that serve objects alone. Who asks for these comes with a token, not with a session, and gets
#: no page of the console.
OF_OBJECTS: list[str] = [
    "corsheaders.middleware.CorsMiddleware",
    "synnefo.common.http.context.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "synnefo.webproject.security.PageSecurity",
    *(["allauth.account.middleware.AccountMiddleware"] if _has_people else []),  # which it insists on
]
if "pages" not in _serves:
    MIDDLEWARE = OF_OBJECTS

# Any path may be a bucket's: who speaks S3 speaks nothing else. It answers scripts of other sites by itself.
if _speaks_s3:
    ROOT_URLCONF = "synnefo.pithos.faces.s3.urls"
    MIDDLEWARE = [
        "synnefo.common.http.context.RequestContext",
        *(["allauth.account.middleware.AccountMiddleware"] if _has_people else []),
    ]

logs.configure_structlog()
LOGGING = logs.logging_config(style=globals()["SYNNEFO_LOG_STYLE"], level=globals()["SYNNEFO_LOG_LEVEL"])
