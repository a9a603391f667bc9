"""Where a provider may live, and what its address tells about the network this server stands in: nothing."""

import socket
import time

import pytest
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.tokens import issue_pair
from providers.addresses import complaint_about, guarded_socket, is_forbidden
from providers.credentials import checks
from providers.models import AIProviderConfig
from tests.factories import make_config

pytestmark = pytest.mark.any_database

TEST_PATH = "/api/v1/super-admin/providers/configs/test"
CONFIGS = "/api/v1/super-admin/providers/configs"
KEY = "sk-test-0123456789abcdef"

WRONG = [
    "ftp://example.com/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "javascript:alert(1)",
    "//example.com",
    "example.com/v1",
    "http://",
    "https://user:pw@example.com/v1",
    "https://user@example.com/v1",
    "https://example.com\\@169.254.169.254/",
    "https://example.com/v1?x=1",
    "https://example.com/v1#x",
    "http://example.com:99999/v1",
    "http://example.com:0/v1",
    "http://exa mple.com/v1",
    "http://[::1/v1",
]
FORBIDDEN = [
    "169.254.169.254",
    "169.254.170.2",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
    # The same in other spellings.
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
]
ALLOWED = [
    "",
    "http://127.0.0.1:11434/v1",
    "http://[::1]:8000/v1",
    "http://ollama:11434",
    "http://10.1.2.3/v1",
    "https://192.168.1.9:8443/openai/v1",
    "https://api.example.com/v1",
]


@pytest.mark.parametrize("address", [*WRONG, *(f"http://{host}/v1" for host in FORBIDDEN)])
def test_an_address_that_no_provider_has_is_refused_in_words(address):
    assert complaint_about(address).startswith("Enter ")


@pytest.mark.parametrize("address", ALLOWED)
def test_servers_of_ones_own_are_allowed_wherever_they_run(address):
    assert complaint_about(address) == ""


@pytest.fixture
def names(monkeypatch):
    """A name server of the test's own; asking the real one is the outermost seam."""
    known = {}
    real = socket.getaddrinfo

    def answer(host, port, *args, **kwargs):
        return real(known.get(host, host), port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254"])
async def test_a_name_that_leads_there_is_not_reached_and_no_socket_is_made(names, address, monkeypatch):
    names["innocent.example"] = address
    made = []
    monkeypatch.setattr(
        "providers.addresses.socket.socket", lambda *args, **kwargs: made.append(args) or 1 / 0
    )

    check = await checks.check_credentials(
        provider_type="local", api_key="x", base_url="http://innocent.example/v1"
    )

    assert (check.is_valid, check.message) == (None, "The provider could not be reached.")
    assert made == []


def test_a_socket_for_anybody_else_is_made():
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))

    guarded_socket(info).close()

    assert not is_forbidden("127.0.0.1")


@pytest.fixture
def closed(unused_tcp_port):
    return f"http://127.0.0.1:{unused_tcp_port}/v1"


@pytest.fixture
def silent():
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


async def test_whatever_was_not_reached_gets_one_answer(names, closed, silent, monkeypatch):
    monkeypatch.setattr(checks, "LONGEST_CHECK_SECONDS", 0.5)
    addresses = [closed, silent, "http://no-such-name.invalid/v1", "http://0xa9fea9fe.invalid/v1"]

    made = [
        await checks.check_credentials(provider_type="local", api_key="x", base_url=address, timeout=0.5)
        for address in addresses
    ]

    assert {(check.is_valid, check.message, check.latency_ms) for check in made} == {
        (None, "The provider could not be reached.", 0)
    }


# --- At the doors -----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("address", [*WRONG[:3], WRONG[7], WRONG[12], f"http://{FORBIDDEN[0]}/latest"])
@pytest.mark.parametrize("path", [CONFIGS, TEST_PATH])
def test_nothing_is_called_stored_or_changed_for_a_wrong_one(admin_api, address, path):
    config = make_config(base_url="https://api.example.com/v1")
    body = {"provider_type": "openai", "api_key": KEY, "model_name": "gpt-5-mini", "base_url": address}

    response = admin_api.post(path, body, format="json")
    changed = admin_api.patch(f"{CONFIGS}/{config.pk}", {"base_url": address, "api_key": KEY}, format="json")

    for refused in (response, changed):
        assert (refused.status_code, list(refused.json()["error"]["details"]["fields"])) == (
            400,
            ["base_url"],
        )
    assert AIProviderConfig.objects.get().base_url == "https://api.example.com/v1"
    assert not AuditEntry.objects.filter(action="provider.credentials_checked").exists()


@pytest.mark.django_db
def test_the_model_refuses_it_too():
    with pytest.raises(ValidationError) as refused:
        make_config(base_url="http://169.254.169.254/").clean_fields()

    assert "base_url" in refused.value.message_dict


@pytest.mark.django_db
def test_trying_an_address_out_needs_a_fresh_second_factor(super_admin, settings):
    stale = issue_pair(user=super_admin, verified_at=int(time.time()) - 400)["access"]
    client = APIClient(headers={"Authorization": f"Bearer {stale}"})

    refused = client.post(TEST_PATH, {"provider_type": "openai", "api_key": KEY}, format="json")

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "step_up_required")
