"""The console as a super-admin's browser sees it."""

import pytest
from django.test import Client

from accounts.audit import Actor


@pytest.fixture
def console(super_admin):
    client = Client()
    client.force_login(super_admin)
    return client


@pytest.fixture
def actor(super_admin):
    """The super-admin, acting by the API."""
    return Actor(door="api", user=super_admin, email=super_admin.email, ip_address="192.0.2.7")
