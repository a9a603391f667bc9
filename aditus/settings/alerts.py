"""How alerts leave the house, and what is expected to run."""

from aditus.settings.environment import env

# smtp+tls://user:password@host:587 and the other forms of django-environ. Without it nothing is mailed.
EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_IS_SET_UP = bool(EMAIL_URL)
_mail = env.email_url_config(EMAIL_URL or "dummymail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", default="aditus@localhost")
# Where people open the console, for links in notices: https://aditus.example.com/admin/
CONSOLE_URL = env.str("CONSOLE_URL", default="")
# Private addresses that notices may be sent to, as host:port.
ALERT_PRIVATE_HOSTS: list[str] = env.list("ALERT_PRIVATE_HOSTS", default=[])
# Called each time alerts were judged, so that a watchdog outside notices when nobody judges.
ALERT_HEARTBEAT_URL = env.str("ALERT_HEARTBEAT_URL", default="")
# Off where `manage.py check_alerts` is run by cron and neither worker nor beat is meant to run.
WORKERS_EXPECTED = env.bool("WORKERS_EXPECTED", default=True)
