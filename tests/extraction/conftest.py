import pytest

from tests.extraction.pages import running_site


@pytest.fixture
def site(settings):
    """A web site that extraction may read although it is on loopback."""
    with running_site() as site:
        settings.EXTRACTION_ALLOWED_PRIVATE_HOSTS = [site.host]
        yield site


@pytest.fixture
def forbidden_site(settings):
    """A web site on loopback that extraction must never reach."""
    with running_site() as site:
        settings.EXTRACTION_ALLOWED_PRIVATE_HOSTS = []
        yield site
