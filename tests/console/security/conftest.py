from tests.accounts.conftest import as_in_production, console, phone

__all__ = ["as_in_production", "console", "phone"]
