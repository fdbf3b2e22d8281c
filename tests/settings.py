"""The product's settings, on throw-away data, with an accounts seam in process and cheap secrets."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

os.environ["SYNNEFO_DATA"] = tempfile.mkdtemp(prefix="synnefo-test-")
os.environ["SYNNEFO_SERVICES"] = '["astakos", "cyclades", "pithos"]'
os.environ["SYNNEFO_SETTINGS_DIR"] = os.path.join(os.environ["SYNNEFO_DATA"], "no-conf")

from synnefo.settings import *  # noqa: F403

atexit.register(shutil.rmtree, os.environ["SYNNEFO_DATA"], ignore_errors=True)
del os.environ["SYNNEFO_SERVICES"]  # clouds that tests start have the services of any cloud

SECRET_KEY = "only-for-tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = (
    True  # every client of a test is a server of its own, which would list all files first
)
SYNNEFO_LOG_STYLE = "text"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # In a file, as in real life: connections to a database in memory do not wait for each other's locks.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(os.environ["SYNNEFO_DATA"], "test.db")}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # noqa: F405
