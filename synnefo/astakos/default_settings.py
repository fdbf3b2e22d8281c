"""Settings of Astakos, with their defaults."""

from __future__ import annotations

ASTAKOS_BASE_PATH = "astakos"
ASTAKOS_TOKEN_DURATION_H = 30 * 24
ASTAKOS_LOGIN_TOKEN_DURATION_H = 24
ASTAKOS_CATALOG_CACHE_S = 60
ASTAKOS_SEAM_URL = ""
ASTAKOS_SEAM_TOKEN = ""
ASTAKOS_LOGIN_ATTEMPTS = "10/m/ip,5/m/key"

AUTH_USER_MODEL = "astakos.User"
AUTHENTICATION_BACKENDS = ["synnefo.astakos.accounts.backend.PasswordBackend"]
PASSWORD_HASHERS = ["synnefo.astakos.accounts.hashing.Argon2id"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/ui/login/"
LOGIN_REDIRECT_URL = "/ui/"
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_ADAPTER = "synnefo.astakos.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
# ASTAKOS_LOGIN_ATTEMPTS counts for pages and APIs alike
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": ""}
