"""Settings that all services share, with their defaults."""

from __future__ import annotations

SYNNEFO_SERVICES = ["astakos", "cyclades", "pithos"]
SYNNEFO_WEB_SERVES = ["pages", "objects"]
SYNNEFO_DATA = "/var/lib/synnefo"
SYNNEFO_LISTEN = "127.0.0.1:8080"
SYNNEFO_PUBLIC_URL = ""
SYNNEFO_ACCOUNTS = "synnefo.astakos.seam.InProcessAccounts"
SYNNEFO_OBJECTS = ""
SYNNEFO_EXTRA_APPS: list[str] = []
SYNNEFO_TRUSTED_PROXIES: list[str] = []
SYNNEFO_MAX_PAGE = 1000
SYNNEFO_LOG_STYLE = "json"
SYNNEFO_LOG_LEVEL = "INFO"
SYNNEFO_LEASE_S = 30
SYNNEFO_DISPATCHER_THREADS = 8
SYNNEFO_CHARGE_RESOLVE_AFTER_S = 60

SECRET_KEY = ""
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "synnefo.webproject.urls"
WSGI_APPLICATION = "synnefo.webproject.wsgi.application"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "synnefo_cache"}}
EMAIL_HOST = ""  # none: mails become files below SYNNEFO_DATA
EMAIL_PORT = 25
EMAIL_HOST_USER = ""
EMAIL_HOST_PASSWORD = ""
EMAIL_USE_TLS = False
EMAIL_TIMEOUT = 20
EMAIL_SUBJECT_PREFIX = ""
DEFAULT_FROM_EMAIL = "no-reply@localhost"
SERVER_EMAIL = "no-reply@localhost"
CONTACT_EMAIL = "support@localhost"
ADMINS: list[tuple[str, str]] = []
MANAGERS: list[tuple[str, str]] = []
HELPDESK: list[tuple[str, str]] = []
LOG_DIR = ""  # none: log below SYNNEFO_DATA
LOGGER_EXCLUDE_COMMANDS = "-list$|-show$|-find-duplicates$"
STATIC_URL = "/static/"
STATIC_ROOT: str | None = None  # files are served from where they are
WHITENOISE_USE_FINDERS = True
CSRF_FAILURE_VIEW = "synnefo.webproject.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

MIDDLEWARE = [
    "synnefo.common.http.context.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "synnefo.webproject.security.PageSecurity",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "synnefo.webproject.branding.context",
                "synnefo.webproject.frame.context",
                "synnefo.webproject.objects.context",
            ]
        },
    }
]

BRANDING_SERVICE_NAME = "Synnefo"
BRANDING_COMPANY_NAME = ""
BRANDING_ACCENT = "#0f6fbf"
SYNNEFO_OBJECT_MAX_BYTES = 64 * 1024**3
