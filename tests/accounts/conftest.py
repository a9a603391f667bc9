"""The console as it runs in production, and a super-admin with a phone."""

import pytest
from django.test import Client

from tests.accounts.authenticator import enrol


@pytest.fixture
def as_in_production(settings):
    settings.MFA_REQUIRED = True


@pytest.fixture
def phone(super_admin):
    return enrol(super_admin)


@pytest.fixture
def console(as_in_production, super_admin, phone):
    """The console as a super-admin sees it who has just logged in with a code."""
    client = Client()
    client.force_login(super_admin)
    response = client.post("/admin/confirm/", {"otp": phone.code()})
    assert response.url == "/admin/"
    return client
