"""ASGI entry point: `uvicorn aditus.asgi:application`."""

import os

import django
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aditus.settings")


def _application() -> ASGIHandler:
    django.setup(set_prefix=False)
    from aditus.loop_views import LoopHandler

    return LoopHandler()


application = _application()
