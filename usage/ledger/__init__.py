"""Which ledger this deployment uses."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from usage.ledger.base import Ledger


@cache
def get_ledger() -> Ledger:
    """The ledger that the setting LEDGER names by its dotted path."""
    ledger: Ledger = import_string(settings.LEDGER)()
    return ledger
