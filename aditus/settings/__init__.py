"""Settings of every process. Each value a deployment may change is read from the environment (or `.env`)
and listed in README.md, "Configuration". `DATABASE_URL` and `REDIS_URL` alone decide between the embedded
and the production shape."""

import logging
from typing import Any

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from accounts.client_addresses import trusted_proxies
from aditus import api_description, content_policy
from aditus.databases import redis_cache, server, sqlite, standby
from aditus.environment_keys import provider_environment
from aditus.logs import REQUEST_IDS, console_logging
from aditus.settings.accounts import *
from aditus.settings.alerts import *
from aditus.settings.environment import *
from aditus.settings.observability import *
from aditus.settings.processes import *
from console import appearance

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
# Newest first. The first key encrypts; every key decrypts. Losing them loses the stored API keys.
FERNET_KEYS: list[str] = env.list("FERNET_KEYS")
if not FERNET_KEYS:
    raise ImproperlyConfigured("FERNET_KEYS is empty. Run `python -m aditus.dotenv` to write one into .env.")
# They sign the audit trail; newest first. Before SECRET_KEY changes, put its old value here, or the entries
# it signed no longer verify.
AUDIT_KEYS: list[str] = env.list("AUDIT_KEYS", default=[]) or [SECRET_KEY]
# The loopback names stay, because health checks inside a container come by them.
ALLOWED_HOSTS: list[str] = [*env.list("ALLOWED_HOSTS", default=[]), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Whose X-Forwarded-For and X-Forwarded-Proto are believed: how many proxies every request comes through, or
# their addresses and networks.
TRUSTED_PROXIES = trusted_proxies(env.str("TRUSTED_PROXIES", default="127.0.0.1,::1"))

INSTALLED_APPS = [
    # Without its default configuration, which would put its own admin site in the place of ours.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "console.apps.AdminSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_guid",
    "corsheaders",
    "axes",
    "django_otp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "providers",
    "usage",
    "orchestration",
    "extraction",
    "drafting",
    "console",
    "aditus",
]

# Every entry runs natively under asyncio: one sync-only middleware would cost each call a thread hop.
MIDDLEWARE = [
    "accounts.client_addresses.client_address_middleware",
    # Takes itself out where nothing is measured, like the one of telemetry.
    "aditus.metrics.requests.request_counts_middleware",
    "django_guid.middleware.guid_middleware",
    "aditus.telemetry.requests.request_spans_middleware",
    # Before whatever redirects or refuses: a preflight carries no token and follows no redirect.
    "corsheaders.middleware.CorsMiddleware",
    "aditus.loop_views.loop_views_middleware",
    "django.middleware.security.SecurityMiddleware",
    "aditus.content_policy.PagePolicyMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "aditus.urls"
ASGI_APPLICATION = "aditus.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the apps', so that a page of unfold's can be corrected here.
        "DIRS": [BASE_DIR / "aditus" / "templates", BASE_DIR / "console" / "templates"],
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

# --- Database -----------------------------------------------------------------------------------------

DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
DATABASES = {
    "default": sqlite(DATA_DIR / "aditus.sqlite3")
    if EMBEDDED
    else server(
        DATABASE_URL,
        pool_size=env.int("DATABASE_POOL_SIZE", default=16),
        behind_pooler=DATABASE_POOLER,
    )
}
# A streaming standby that figures for people are read from while it lags by no more than so many seconds.
REPLICA_MAX_LAG_SECONDS = env.int("REPLICA_MAX_LAG_SECONDS", default=30)
if (REPLICA_DATABASE_URL := env.str("REPLICA_DATABASE_URL", default="")) and not EMBEDDED:
    DATABASES["replica"] = standby(REPLICA_DATABASE_URL, behind_pooler=DATABASE_POOLER)
    DATABASE_ROUTERS = ["usage.replica.FiguresRouter"]
# Seconds that a web process waits for one statement of the ORM, and after which all others, whose statements
# may take long, ask the server whether it is at work on theirs; 0 waits for ever.
DATABASE_PATIENCE_SECONDS = env.int("DATABASE_PATIENCE_SECONDS", default=60)
# How many hops from async code into the database run at once per process. SQLite has one writer anyway.
DATABASE_THREADS = env.int("DATABASE_THREADS", default=1 if EMBEDDED else 8)
# The ledger that holds quotas and writes usage rows; see usage/ledger/base.py.
LEDGER = "usage.ledger.portable.PortableLedger" if EMBEDDED else "usage.ledger.postgres.PostgresLedger"
# How many connections per process are used on the event loop, and what makes a statement there, if anything.
LEDGER_CONNECTIONS = env.int("LEDGER_CONNECTIONS", default=4)
LOOP_STATEMENTS = "" if EMBEDDED else "usage.ledger.connections.fetch_one"
# Days after which usage rows are archived to the directory and deleted; 0 keeps them all.
USAGE_LOG_KEEP_DAYS = env.int("USAGE_LOG_KEEP_DAYS", default=0)
USAGE_LOG_ARCHIVE = env.str("USAGE_LOG_ARCHIVE", default=str(DATA_DIR / "usage-archive"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache and workers --------------------------------------------------------------------------------

CACHES: dict[str, dict[str, Any]] = {
    "default": redis_cache(REDIS_URL, prefix=REDIS_KEY_PREFIX)
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

_BROKER_DIR = DATA_DIR / "broker"
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost//"
if REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": f"{REDIS_KEY_PREFIX}:"}
else:
    CELERY_BROKER_TRANSPORT = "aditus.broker.FileTransport"
    for _folder in ("queue", "control"):
        (_BROKER_DIR / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_BROKER_DIR / "queue"),
        "data_folder_out": str(_BROKER_DIR / "queue"),
        "control_folder": str(_BROKER_DIR / "control"),
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")

# --- Console ------------------------------------------------------------------------------------------

UNFOLD = appearance.UNFOLD

# --- API ----------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.tokens.RevocableJWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["aditus.envelope.EnvelopeJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api_base.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "aditus.pages.Pages",
    "PAGE_SIZE": 20,
    # The one format is not chosen by `?format=`, which is refused like any parameter that a list has not.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "aditus.api_schema.Schema",
    "EXCEPTION_HANDLER": "aditus.exceptions.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api_base.AnonymousThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": env.str("ANONYMOUS_RATE", default="60/min")},
    # The middleware has read the proxies' headers already.
    "NUM_PROXIES": 0,
}
SPECTACULAR_SETTINGS = api_description.SPECTACULAR
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DOOR_MAX_BODY_BYTES = env.int("DOOR_MAX_BODY_BYTES", default=20 * 1024 * 1024)  # of `/v1`, with pictures
FILE_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# --- Providers from the environment (used only while no config exists in the database) -----------------

PROVIDER_ENVIRONMENT: dict[str, dict[str, str]] = provider_environment(
    lambda name, default: str(env.str(name, default=default))
)
STREAM_IDLE_SECONDS = env.int("STREAM_IDLE_SECONDS", default=30)  # of its vendor, and of its reader
PROVIDER_TIMEOUT_SECONDS = env.int("PROVIDER_TIMEOUT_SECONDS", default=60)
# Addresses below private ranges that extraction may still fetch, as host:port. Empty outside demos and tests.
EXTRACTION_ALLOWED_PRIVATE_HOSTS: list[str] = env.list("EXTRACTION_ALLOWED_PRIVATE_HOSTS", default=[])

# --- Language, time, files ----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = "aditus.formats"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedStaticFilesStorage"},
}

# --- HTTPS --------------------------------------------------------------------------------------------

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if not EMBEDDED else None
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not EMBEDDED)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^watchz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 0 if EMBEDDED else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not EMBEDDED
SECURE_HSTS_PRELOAD = not EMBEDDED
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
X_FRAME_OPTIONS = "DENY"

# --- Browsers -----------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = content_policy.CONTENT_SECURITY_POLICY
# Origins whose pages may call the API, as https://app.example.com. Cookies are never sent along.
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(api|v1)/"
# Those of OpenAI's own client in a browser among them.
CORS_ALLOW_HEADERS = (
    *default_headers, "idempotency-key", "prefer", "x-request-id", "x-stainless-arch",
    "x-stainless-helper-method", "x-stainless-lang", "x-stainless-os", "x-stainless-package-version",
    "x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-timeout",
)  # fmt: skip
CORS_EXPOSE_HEADERS = (
    "Content-Disposition", "Figures-As-Of", "Idempotent-Replayed", "Location", "Preference-Applied",
    "RateLimit", "RateLimit-Policy", "Retry-After", "X-Aditus-Attempts", "X-Aditus-Cost-USD",
    "X-Aditus-Model", "X-Aditus-Provider", "X-Aditus-Quota-Warnings", "X-Aditus-Unheard",
    "X-Export-Warnings", "X-RateLimit-Limit-Tokens", "X-RateLimit-Remaining-Tokens",
    "X-RateLimit-Reset-Tokens", "X-Request-ID", "X-Should-Retry",
)  # fmt: skip

# --- Logs ---------------------------------------------------------------------------------------------

DJANGO_GUID = REQUEST_IDS
# A line that cannot be formatted would otherwise be printed to stderr with its arguments, past the redaction.
logging.raiseExceptions = DEBUG
LOGGING = console_logging(level=env.str("LOG_LEVEL", default="INFO"))
