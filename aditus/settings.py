"""Settings of every process. Each value a deployment may change is read from the environment (or `.env`)
and listed in README.md, "Configuration". `DATABASE_URL` and `REDIS_URL` alone decide between the embedded
and the production shape."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from accounts.client_addresses import trusted_proxies
from aditus import api_description, content_policy
from aditus.databases import redis_cache, server, sqlite
from aditus.environment_keys import provider_environment
from aditus.logs import REQUEST_IDS, console_logging
from console import appearance

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
# Installations that share a Redis need a prefix each.
REDIS_KEY_PREFIX = env.str("REDIS_KEY_PREFIX", default="aditus")
# Embedded: one machine, no servers to run; HTTPS and secure cookies are a reverse proxy's job there.
EMBEDDED = not DATABASE_URL

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
    "django_guid.middleware.guid_middleware",
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

DATABASES = {
    "default": sqlite(DATA_DIR / "aditus.sqlite3")
    if EMBEDDED
    else server(DATABASE_URL, pool_size=env.int("DATABASE_POOL_SIZE", default=16))
}
# How many hops from async code into the database run at once per process. SQLite has one writer anyway.
DATABASE_THREADS = env.int("DATABASE_THREADS", default=1 if EMBEDDED else 8)
# The ledger that holds quotas and writes usage rows; see usage/ledger/base.py.
LEDGER = "usage.ledger.portable.PortableLedger" if EMBEDDED else "usage.ledger.postgres.PostgresLedger"
# How many connections per process are used on the event loop, and what makes a statement there, if anything.
LEDGER_CONNECTIONS = env.int("LEDGER_CONNECTIONS", default=4)
LOOP_STATEMENTS = "" if EMBEDDED else "usage.ledger.connections.fetch_one"
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

# --- Accounts -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Whether super-admins need an authenticator app. Where it is off, one that is set up is still asked for.
MFA_REQUIRED = env.bool("MFA_REQUIRED", default=not EMBEDDED)
# How long a code counts as fresh for what needs one: keys, deletions, roles.
STEP_UP_SECONDS = env.int("STEP_UP_SECONDS", default=300)
# The first account, for `make_super_admin` where nobody can be asked.
SUPER_ADMIN_EMAIL = env.str("SUPER_ADMIN_EMAIL", default="")
SUPER_ADMIN_PASSWORD = env.str("SUPER_ADMIN_PASSWORD", default="")

# Wrong passwords for one email from one address, at the console and the API together, then the wait.
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("LOGIN_WAIT_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# An attempt made during the wait does not prolong it.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "accounts.logins.login_name"
AXES_CLIENT_IP_CALLABLE = "accounts.client_addresses.of_request"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]
# The audit trail tells who logged in; the lock alone is what axes is for.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Each door words its refusal itself, so the middleware of axes would only be in the way.
SILENCED_SYSTEM_CHECKS = ["axes.W002"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    # Changing a password ends every session that the old one opened.
    "CHECK_REVOKE_TOKEN": True,
}
# From the login to the end of every token that came of it, however often it is refreshed.
TOKEN_FAMILY_LIFETIME = timedelta(days=30)
TOKEN_FAMILY_LIFETIME_SUPER_ADMIN = timedelta(hours=12)
# A working day: the console asks for password and code again after it.
SESSION_COOKIE_AGE = 12 * 3600
# How long a code counts at all, at the console and the API.
SECOND_FACTOR_SECONDS = SESSION_COOKIE_AGE
# Password hashes made at once per process; they are slow on purpose, and others wait for them.
PASSWORD_HASHES_AT_ONCE = env.int("PASSWORD_HASHES_AT_ONCE", default=2)
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# --- Console ------------------------------------------------------------------------------------------

UNFOLD = appearance.UNFOLD

# --- API ----------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.tokens.RevocableJWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["aditus.envelope.EnvelopeJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api_base.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 20,
    # The one format is not chosen by `?format=`, which is refused like any parameter that a list has not.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
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
# Seconds for a whole call, waiting and every attempt included, where the task's policy says nothing else.
CALL_DEADLINE_SECONDS = env.int("CALL_DEADLINE_SECONDS", default=120)
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
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
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
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "prefer", "x-request-id")
CORS_EXPOSE_HEADERS = (
    "Content-Disposition", "Idempotent-Replayed", "Location", "Preference-Applied", "Retry-After",
    "X-Export-Warnings", "X-Request-ID",
)  # fmt: skip

# --- Logs ---------------------------------------------------------------------------------------------

DJANGO_GUID = REQUEST_IDS
# A line that cannot be formatted would otherwise be printed to stderr with its arguments, past the redaction.
logging.raiseExceptions = DEBUG
LOGGING = console_logging(level=env.str("LOG_LEVEL", default="INFO"))
