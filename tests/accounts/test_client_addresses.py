"""The client's address behind proxies, and what somebody gains by inventing one: nothing."""

import ipaddress

import pytest
from axes.models import AccessAttempt
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncRequestFactory, Client
from rest_framework.test import APIClient

from accounts.client_addresses import client_address, client_address_middleware, trusted_proxies
from accounts.models import AuditEntry

PASSWORD = "correct horse battery"
PROXY, ATTACKER, OFFICE = "10.0.0.2", "203.0.113.66", "198.51.100.7"
NETWORKS = trusted_proxies("10.0.0.0/8, 2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "address"),
    [
        (ATTACKER, "", 0, ATTACKER),
        (ATTACKER, OFFICE, 0, ATTACKER),
        (PROXY, ATTACKER, 1, ATTACKER),
        (PROXY, f"{OFFICE}, {ATTACKER}", 1, ATTACKER),
        (PROXY, f"{OFFICE}, {ATTACKER}, 10.0.0.3", 2, ATTACKER),
        (PROXY, ATTACKER, 2, ATTACKER),
        (PROXY, "", 1, PROXY),
        (PROXY, f"{OFFICE}, {ATTACKER}", NETWORKS, ATTACKER),
        (PROXY, f"{OFFICE}, {ATTACKER}, 10.9.9.9", NETWORKS, ATTACKER),
        (ATTACKER, OFFICE, NETWORKS, ATTACKER),
        (ATTACKER, "10.0.0.7", NETWORKS, ATTACKER),
        (PROXY, "10.0.0.8, 10.0.0.9", NETWORKS, "10.0.0.8"),
        (PROXY, "", NETWORKS, PROXY),
        ("2001:db8:1::2", "2001:db8:2::9", NETWORKS, "2001:db8:2::9"),
        # With a port, as some proxies write it, and in other spellings of one address.
        (PROXY, f"{ATTACKER}:4711", NETWORKS, ATTACKER),
        (PROXY, "[2001:DB8:2:0::9]:4711", NETWORKS, "2001:db8:2::9"),
        (PROXY, f"::ffff:{ATTACKER}", NETWORKS, ATTACKER),
        (f"::ffff:{PROXY}", ATTACKER, NETWORKS, ATTACKER),
        # What is no address is nobody's.
        (PROXY, f"{OFFICE}, unknown", NETWORKS, PROXY),
        (PROXY, "fe80::1%new-every-time", NETWORKS, PROXY),
        (PROXY, f"{OFFICE},", NETWORKS, PROXY),
        (PROXY, "x" * 100_000, 1, PROXY),
    ],
)
def test_it_is_the_right_most_that_no_trusted_proxy_has(peer, forwarded_for, trusted, address):
    assert client_address(peer=peer, forwarded_for=forwarded_for, trusted=trusted) == address


def test_the_setting_is_a_number_or_networks():
    assert trusted_proxies("2") == 2
    assert trusted_proxies("") == ()
    assert trusted_proxies("127.0.0.1, ::1/128") == (
        ipaddress.ip_network("127.0.0.1/32"),
        ipaddress.ip_network("::1/128"),
    )
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        trusted_proxies("*")


@pytest.fixture(params=["1", "10.0.0.0/8"], ids=["by number", "by network"])
def behind_a_proxy(request, settings):
    settings.TRUSTED_PROXIES = trusted_proxies(request.param)


def at_api(password="wrong", *, client=ATTACKER, invented=""):
    """A log-in that came through the proxy, which has written its caller at the right."""
    forwarded = f"{invented}, {client}" if invented else client
    return APIClient(REMOTE_ADDR=PROXY).post(
        "/api/v1/auth/token",
        {"email": "root@example.com", "password": password},
        format="json",
        headers={"X-Forwarded-For": forwarded},
    )


def at_console(password="wrong", *, client=ATTACKER, invented=""):
    forwarded = f"{invented}, {client}" if invented else client
    return Client(REMOTE_ADDR=PROXY, headers={"X-Forwarded-For": forwarded}).post(
        "/admin/login/", {"username": "root@example.com", "password": password}
    )


@pytest.mark.django_db
@pytest.mark.parametrize("door", [at_api, at_console])
class TestAttacker:
    def test_inventing_addresses_does_not_evade_the_lock(self, behind_a_proxy, super_admin, door):
        statuses = [door(invented=f"192.0.2.{number}").status_code for number in range(6)]

        assert statuses[4:] == [429, 429]
        assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {ATTACKER}

    def test_nor_does_inventing_the_admins_address_lock_the_admin_out(
        self, behind_a_proxy, super_admin, door
    ):
        for _ in range(6):
            door(invented=OFFICE)

        assert door(PASSWORD, client=OFFICE).status_code in {200, 302}

    def test_nor_does_it_forge_the_audit_trail(self, behind_a_proxy, super_admin, door):
        door(invented=OFFICE)

        assert AuditEntry.objects.get(action="login").ip_address == ATTACKER

    def test_a_stranger_who_is_no_proxy_is_not_believed(self, settings, super_admin, door):
        settings.TRUSTED_PROXIES = trusted_proxies("192.0.2.0/24")

        door(client=OFFICE)

        assert AuditEntry.objects.get(action="login").ip_address == PROXY


@pytest.mark.django_db
def test_the_throttle_counts_the_client(behind_a_proxy):
    def knock(number, client):
        return APIClient(REMOTE_ADDR=PROXY).post(
            "/api/v1/auth/token",
            {"email": f"nobody{number}@example.com", "password": "x"},
            format="json",
            headers={"X-Forwarded-For": f"192.0.2.{number}, {client}"},
        )

    statuses = [knock(number, ATTACKER).status_code for number in range(61)]

    assert statuses[-1] == 429
    assert knock(99, OFFICE).status_code == 401


async def test_the_web_servers_log_has_it_too(settings):
    settings.TRUSTED_PROXIES = trusted_proxies("1")
    seen = []

    async def note(request):
        seen.append((request.META["REMOTE_ADDR"], request.scope["client"]))

    headers = {"X-Forwarded-For": f"{OFFICE}, {ATTACKER}"}
    asked = AsyncRequestFactory().get("/healthz", headers=headers)
    await client_address_middleware(note)(asked)

    assert seen == [(ATTACKER, (ATTACKER, 0))]


def test_https_is_recognised_by_the_word_of_a_trusted_proxy_only(settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = trusted_proxies("10.0.0.0/8")
    headers = {"X-Forwarded-Proto": "https"}

    by_proxy = Client(REMOTE_ADDR=PROXY, headers=headers).get("/api/v1/me")
    by_stranger = Client(REMOTE_ADDR=ATTACKER, headers=headers).get("/api/v1/me")

    assert (by_proxy.status_code, by_stranger.status_code) == (401, 301)
