"""ASGI entry point, which `python -m aditus.web` serves."""

import gc
import os

import django
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aditus.settings")


def _application() -> ASGIHandler:
    django.setup(set_prefix=False)
    from aditus.lifespan import Application

    return Application()


# What a thousand calls in flight hold, Python's collector looks through again after every seven hundred new
# objects if nothing else is said: a tenth of all work.
gc.set_threshold(10_000, 20, 20)
application = _application()
