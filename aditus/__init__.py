from aditus.celery import app as celery_app

__all__ = ["__version__", "celery_app"]

# The one place: pyproject.toml reads it from here.
__version__ = "0.1.0"
