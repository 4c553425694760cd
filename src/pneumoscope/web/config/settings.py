"""All settings. What an installation may change comes from PNEUMOSCOPE_* (docs/operations.md)."""

from datetime import timedelta
from http import HTTPStatus
from importlib.metadata import version
from logging import LogRecord
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.log import CallbackFilter

from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.web.config.env import (
    database_from_url,
    env_bool,
    env_float,
    env_int,
    env_list,
    env_path,
    env_rate,
    env_str,
    origin,
    secret_key,
)
from pneumoscope.web.config.exchange import *  # noqa: F403 - what goes in and out
from pneumoscope.web.config.sign_in import *  # noqa: F403 - what no installation changes
from pneumoscope.web.config.sign_in import oidc_provider

WEB = Path(__file__).resolve().parent.parent

# Where everything this installation owns lives: database, radiographs, broker, keys.
PNEUMOSCOPE_HOME = env_path("HOME", "var")
PNEUMOSCOPE_MODEL = env_str("MODEL") or None  # None: the bundle that ships as default
PNEUMOSCOPE_OPERATING_POINT = env_str("OPERATING_POINT") or None  # None: the model's own choice
PNEUMOSCOPE_MAX_FILE_BYTES = env_int("MAX_FILE_BYTES", MAX_BYTES)
PNEUMOSCOPE_MAX_REQUEST_BYTES = env_int("MAX_REQUEST_BYTES", 1024**3)
PNEUMOSCOPE_INFERENCE_THREADS = env_int("INFERENCE_THREADS", 1)
# A claim must outlive the slowest analysis; a claim past its lease is taken over.
PNEUMOSCOPE_LEASE_SECONDS = env_float("LEASE_SECONDS", 60.0, least=0.1)
PNEUMOSCOPE_SWEEP_SECONDS = env_float("SWEEP_SECONDS", 5.0, least=0.1)
PNEUMOSCOPE_EMBEDDED_WORKER = env_bool("EMBEDDED_WORKER", default=True)

DEBUG = env_bool("DEBUG", default=False)
SECRET_KEY = env_str("SECRET_KEY") or secret_key(PNEUMOSCOPE_HOME)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "pneumoscope.web.config",
    "pneumoscope.web.gateway",
    "pneumoscope.web.dashboards",
    "pneumoscope.web.reviews",
    "pneumoscope.web.studies",
    "pneumoscope.web.registry",
    "pneumoscope.web.people",
    "pneumoscope.web.audit",
    "pneumoscope.web.accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "django_htmx",
    "csp",
    "rest_framework",
    "knox",
    "drf_spectacular",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "pneumoscope.web.config.middleware.RequestSizeLimit",
    "pneumoscope.web.config.middleware.NoNul",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pneumoscope.web.config.middleware.Compression",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pneumoscope.web.config.middleware.Language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pneumoscope.web.config.middleware.SessionLock",
    "pneumoscope.web.config.middleware.WorkingSite",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "pneumoscope.web.config.urls"
WSGI_APPLICATION = "pneumoscope.web.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [WEB / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# SQLite: readers beside one writer (WAL), writers queue instead of failing at upgrade time
# (IMMEDIATE), and a commit is on the disk before a sender hears success (synchronous=FULL).
_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": PNEUMOSCOPE_HOME / "pneumoscope.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    },
}
_DATABASE_URL = env_str("DATABASE_URL")
DATABASES = {"default": database_from_url(_DATABASE_URL) if _DATABASE_URL else _SQLITE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STORAGES = {
    "default": {"BACKEND": "pneumoscope.web.studies.storage.ContentStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = PNEUMOSCOPE_HOME / "files"
STATIC_URL = "static/"
STATIC_ROOT = PNEUMOSCOPE_HOME / "static"
STATICFILES_DIRS = [WEB / "static"]

# The broker is a doorbell: the database is the truth, so messages need not survive anything.
_BROKER = PNEUMOSCOPE_HOME / "broker"
CELERY_BROKER_URL = env_str("BROKER_URL") or "filesystem://localhost"
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_BROKER / "messages"),
        "data_folder_out": str(_BROKER / "messages"),
        "control_folder": str(_BROKER / "control"),
        "polling_interval": 0.1,
    }
CELERY_IMPORTS = ["pneumoscope.web.studies.worker"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "analyses"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

AUTH_USER_MODEL = "accounts.User"
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 - the name of a model
MIGRATION_MODULES = {"knox": None}  # would make the table of the model that ours replaces
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "studies:worklist"
LOGOUT_REDIRECT_URL = "account_login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# PNEUMOSCOPE_TLS=true says that browsers reach this through HTTPS, by a proxy that sets
# X-Forwarded-Proto. Without it cookies would not survive plain HTTP on loopback.
_TLS = env_bool("TLS", default=False)
if _TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31_536_000, least=0) if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _TLS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * env_int("SESSION_MINUTES", 12 * 60)
PNEUMOSCOPE_LOCK_SECONDS = 60 * env_int("LOCK_MINUTES", 15)
# How many proxies stand in front: the client's address is that many from the right in
# X-Forwarded-For, which anybody may write the left of.
PNEUMOSCOPE_PROXIES = env_int("PROXIES", 0, least=0)
PASSWORD_RESET_TIMEOUT = 86_400 * env_int("INVITATION_DAYS", 7)
CSRF_TRUSTED_ORIGINS = env_list("TRUSTED_ORIGINS")

# Single sign-on with one OpenID Connect provider, for people who were invited.
PNEUMOSCOPE_OIDC_NAME = env_str("OIDC_NAME", "single sign-on")
_OIDC_ISSUER = env_str("OIDC_ISSUER").rstrip("/")
SOCIALACCOUNT_PROVIDERS = oidc_provider(
    name=PNEUMOSCOPE_OIDC_NAME,
    issuer=_OIDC_ISSUER,
    client_id=env_str("OIDC_CLIENT_ID"),
    secret=env_str("OIDC_CLIENT_SECRET"),
)

X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        # Browsers hold redirects after a form to this too, and sign-in is one.
        "form-action": [SELF, *([origin(_OIDC_ISSUER)] if _OIDC_ISSUER else [])],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "pneumoscope.web.accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.MultiPartParser"],
    "DEFAULT_PAGINATION_CLASS": "pneumoscope.web.config.paging.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "60/min", "user": env_rate("API_RATE", "6000/min")},
    "EXCEPTION_HANDLER": "pneumoscope.web.config.problems.exception_handler",
    "NUM_PROXIES": PNEUMOSCOPE_PROXIES,
    # No other is taken from the address, where it would go into the name of the schema's file.
    "ALLOWED_VERSIONS": ["v1"],
}
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=env_int("TOKEN_DAYS", 90)),
    "TOKEN_PREFIX": "pneumo_",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pneumoscope",
    "VERSION": version("pneumoscope"),
    "DESCRIPTION": "Pneumonia detection from chest radiographs. "
    "Research use only – not a medical device.",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "pneumoscope.web.config.openapi.problems_described",
    ],
}

LANGUAGE_CODE = "en"
# Each by its own name; offered are those whose catalogue is complete (test_catalogues.py).
LANGUAGES = [
    ("en", "English"),
    ("es", "Español"),
    ("fr", "Français"),
    ("pt-br", "Português"),
    ("sw", "Kiswahili"),
    ("hi", "हिन्दी"),
]
LANGUAGE_COOKIE_AGE = 365 * 86_400
LOCALE_PATHS = [WEB / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True


def _is_news(record: LogRecord) -> bool:
    return getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE


# No patient data in logs: our lines name rows by their key, never by what is in them.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    # 503 is /healthz alone, which says it better.
    "filters": {"news": {"()": CallbackFilter, "callback": _is_news}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["news"]}
    },
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", "WARNING")},
    "loggers": {
        "pneumoscope": {"level": env_str("LOG_LEVEL", "INFO")},
        # Its warnings quote the values they warn of.
        "pydicom": {"level": "CRITICAL"},
    },
}
