"""People: passwords, second factor, tokens, sessions."""

from datetime import timedelta

from aditus.settings.environment import EMBEDDED, env

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
# The first hashes; a password that came with another system is checked as it was hashed there, and hashed
# anew at its first login.
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("PBKDF2", "Argon2", "BCrypt")
]
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
