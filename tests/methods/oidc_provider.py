"""Another organisation's OpenID Connect provider, an own process: allauth's, with a few people.

    python -m tests.methods.oidc_provider PORT FOLDER REDIRECT_URI

``/sign-in?as=grace`` signs somebody in there without asking.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

CLIENT, SECRET = "cloud", "the secret of the cloud"
PEOPLE = {"grace": ("Grace", "Hopper", True), "mallory": ("Mallory", "M", False)}


def email_of(name: str) -> str:
    return f"{name}@navy.example"


def configure(port: int, folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.configure(
        SECRET_KEY="of the other organisation",
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        ROOT_URLCONF="tests.methods.oidc_provider",
        SESSION_COOKIE_NAME="their-session",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "oidc.db"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
            "django.contrib.messages", "allauth", "allauth.account", "allauth.idp.oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        IDP_OIDC_PRIVATE_KEY=key.decode(),
    )  # fmt: skip


def fill(redirect_uri: str) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User

    for name, (first, last, verified) in PEOPLE.items():
        email = email_of(name)
        user = User.objects.create_user(name, email, first_name=first, last_name=last)
        EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    client = Client(id=CLIENT, name="The cloud", skip_consent=True)
    client.set_secret(SECRET)
    client.set_scopes(["openid", "profile", "email"])
    client.set_redirect_uris([redirect_uri])
    client.set_response_types(["code"])
    client.save()


def sign_in(request: Any) -> Any:
    from django.contrib.auth import login
    from django.contrib.auth.models import User
    from django.http import HttpResponse, HttpResponseRedirect

    login(request, User.objects.get(username=request.GET["as"]), "django.contrib.auth.backends.ModelBackend")
    onwards = request.GET.get("next")
    return HttpResponseRedirect(onwards) if onwards else HttpResponse("signed in")


def urls() -> list[Any]:
    from django.urls import include, path

    return [
        path("sign-in", sign_in),
        path("accounts/", include("allauth.account.urls")),
        path("", include("allauth.idp.urls")),
    ]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


def main(port: int, folder: Path, redirect_uri: str) -> None:
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    configure(port, folder)
    fill(redirect_uri)
    from django.core.wsgi import get_wsgi_application

    globals()["urlpatterns"] = urls()
    make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet).serve_forever()


if __name__ == "__main__":
    sys.modules["tests.methods.oidc_provider"] = sys.modules[__name__]
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
