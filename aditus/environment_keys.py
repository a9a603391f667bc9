"""API keys from the environment, looked at before anything starts with them."""

from django.core.exceptions import ImproperlyConfigured

from providers.credentials.keys import flaw_of, stripped


def usable_key(name: str, value: str) -> str:
    """The key without what is invisible around it. Raises ImproperlyConfigured, by the variable's `name` and
    without the value, for what no request could carry."""
    key = stripped(value)
    if flaw := flaw_of(key):
        raise ImproperlyConfigured(f"{name} in the environment or .env cannot be an API key. {flaw}")
    return key
