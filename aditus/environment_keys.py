"""API keys and models from the environment: who answers while no provider is stored.

`python -m aditus.environment_keys` says by its exit status whether there is a key at all.
"""

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured

from providers.credentials.keys import flaw_of, stripped
from providers.registry import PROVIDER_TYPES


def provider_environment(read: Callable[[str, str], str]) -> dict[str, dict[str, str]]:
    """By provider type, in the order in which they are asked: key (empty without one) and two models. `read`
    gives a variable, or the default that it is told. Raises ImproperlyConfigured as `usable_key` does."""
    return {
        kind.slug: {
            "api_key": usable_key(kind.key_variable, read(kind.key_variable, "")),
            "model_fast": stripped(read(f"{kind.environment}_MODEL_FAST", kind.models[0])),
            "model_quality": stripped(read(f"{kind.environment}_MODEL_QUALITY", kind.models[1])),
        }
        for kind in PROVIDER_TYPES.values()
        if kind.environment
    }


def usable_key(name: str, value: str) -> str:
    """The key without what is invisible around it. Raises ImproperlyConfigured, by the variable's `name` and
    without the value, for what no request could carry."""
    key = stripped(value)
    if flaw := flaw_of(key):
        raise ImproperlyConfigured(f"{name} in the environment or .env cannot be an API key. {flaw}")
    return key


if __name__ == "__main__":
    import os
    import sys

    from django.conf import settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aditus.settings")
    sys.exit(not any(entry["api_key"] for entry in settings.PROVIDER_ENVIRONMENT.values()))
