"""Settings of Astakos, with their defaults."""

from __future__ import annotations

ASTAKOS_BASE_PATH = "astakos"
ASTAKOS_TOKEN_DURATION_H = 30 * 24
ASTAKOS_TOKENS_WITHOUT_END = False
ASTAKOS_LOGIN_TOKEN_DURATION_H = 24
ASTAKOS_KAMAKI_CONFIG_CLOUD_NAME = ""
ASTAKOS_API_CLIENT_URL = ""
ASTAKOS_CATALOG_CACHE_S = 60
ASTAKOS_ADMIN_STATS_PERMITTED_GROUPS = ["admin-stats"]
ASTAKOS_SEAM_URL = ""
ASTAKOS_SEAM_TOKEN = ""
ASTAKOS_LOGIN_ATTEMPTS = "10/m/ip,5/m/key"
ASTAKOS_RATELIMIT_RETRIES_ALLOWED: int | None = None
ASTAKOS_API_PASSWORD_ALONE = False
ASTAKOS_IM_MODULES = ["local"]
ASTAKOS_OIDC_URL = ""
ASTAKOS_OIDC_CLIENT_ID = ""
ASTAKOS_OIDC_SECRET = ""
ASTAKOS_OIDC_SCOPES = ["openid", "profile", "email"]
ASTAKOS_GOOGLE_CLIENT_ID = ""
ASTAKOS_GOOGLE_SECRET = ""
ASTAKOS_LINKEDIN_TOKEN = ""
ASTAKOS_LINKEDIN_SECRET = ""
ASTAKOS_TWITTER_TOKEN = ""
ASTAKOS_TWITTER_SECRET = ""
ASTAKOS_SHIBBOLETH_TRUSTED_PROXIES: list[str] = []
ASTAKOS_SHIBBOLETH_REQUIRE_NAME_INFO = False
ASTAKOS_SHIBBOLETH_MIGRATE_EPPN = False
ASTAKOS_PROJECT_ADMINS: list[str] = []
ASTAKOS_PROJECT_REMINDER_DAYS = [30, 7, 1]
ASTAKOS_TERMINATE_EXPIRED_PROJECTS = True
QUOTA_POLICY_MODULE = ""
ASTAKOS_MODERATION_ENABLED = True
ASTAKOS_RE_USER_EMAIL_PATTERNS: list[str] = []
ASTAKOS_SHOW_SIGNUP = True
ASTAKOS_VERIFICATION_DAYS = 7
ASTAKOS_TERMS_GRACE_DAYS = 0
ASTAKOS_FORCE_PROFILE_UPDATE = False
ASTAKOS_EMAILCHANGE_ENABLED = False
ASTAKOS_EMAILCHANGE_ACTIVATION_DAYS = 10
ASTAKOS_NEWPASSWD_INVALIDATE_TOKEN = True
ASTAKOS_LOGIN_SUCCESS_URL = "/ui/"
ASTAKOS_ACTIVATION_REDIRECT_URL = ""
ASTAKOS_LOGOUT_NEXT = ""
ASTAKOS_LOGIN_MESSAGES: list[tuple[str, str]] = []
ASTAKOS_SIGNUP_MESSAGES: list[tuple[str, str]] = []
ASTAKOS_PROFILE_MESSAGES: list[tuple[str, str]] = []
ASTAKOS_GLOBAL_MESSAGES: list[tuple[str, str]] = []
ASTAKOS_PROFILE_EXTRA_LINKS: dict[str, str] = {}
ASTAKOS_ADMIN_API_ENABLED = False
ASTAKOS_ADMIN_API_PERMITTED_GROUPS = ["admin-api"]
ACCOUNT_NOTIFICATIONS_RECIPIENTS: list[str] | None = None
ACCOUNT_PENDING_MODERATION_RECIPIENTS: list[str] | None = None
ACCOUNT_ACTIVATED_RECIPIENTS: list[str] | None = None
FEEDBACK_NOTIFICATIONS_RECIPIENTS: list[str] | None = None
PROJECT_NOTIFICATIONS_RECIPIENTS: list[str] | None = None
PROJECT_CREATION_RECIPIENTS: list[str] | None = None
PROJECT_MODIFICATION_RECIPIENTS: list[str] | None = None

ASTAKOS_REDIRECT_ALLOWED_SCHEMES = ["pithos", "pithosdev"]
ASTAKOS_WEBLOGIN_TOKEN_IN_URL = False
ASTAKOS_TOKEN_COOKIE = False
ASTAKOS_COOKIE_NAME = "_pithos2_a"
ASTAKOS_COOKIE_DOMAIN = ""
ASTAKOS_COOKIE_SECURE = True
ASTAKOS_COMPONENTS_META: dict[str, dict[str, object]] = {}
OAUTH2_AUTHORIZATION_CODE_LENGTH = 60
OAUTH2_TOKEN_LENGTH = 30
OAUTH2_TOKEN_EXPIRES = 20
OAUTH2_MAXIMUM_ALLOWED_REDIRECT_URI_LENGTH = 5000
IDP_OIDC_ADAPTER = "synnefo.astakos.oauth.adapter.ProviderAdapter"
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = 30 * 24 * 3600

AUTH_USER_MODEL = "astakos.User"
AUTHENTICATION_BACKENDS = ["synnefo.astakos.accounts.backend.PasswordBackend"]
PASSWORD_HASHERS = [
    "synnefo.astakos.accounts.hashing.Argon2id",
    # only read, see there
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "synnefo.astakos.accounts.hashing.SaltedSha1",
    "synnefo.astakos.accounts.hashing.SaltedMd5",
    "synnefo.astakos.accounts.hashing.UnsaltedSha1",
    "synnefo.astakos.accounts.hashing.UnsaltedMd5",
]
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
SOCIALACCOUNT_ADAPTER = "synnefo.astakos.methods.social.SocialAccountAdapter"
MFA_ADAPTER = "synnefo.astakos.methods.second_factor.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "synnefo.astakos.methods.second_factor.AuthenticateForm",
    "reauthenticate": "synnefo.astakos.methods.second_factor.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # whose e-mail is verified stands in our own table
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
