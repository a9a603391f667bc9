from tests.providers.conftest import actor, console

__all__ = ["actor", "console"]
