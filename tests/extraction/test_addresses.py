"""Which addresses may be fetched, to the edges of the networks that may not, and which are one page."""

import asyncio
import socket

import pytest
from yarl import URL

from extraction.addresses import AddressGuard, address_key, same_address
from extraction.errors import UrlNotAllowed
from providers.public_addresses import is_public

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("168.63.129.16", "168.63.129.17"),
        ("192.0.0.255", "192.0.1.0"),
        ("192.88.99.255", "192.88.100.0"),
        ("172.31.255.255", "172.32.0.0"),
        ("100.127.255.255", "100.128.0.0"),
        ("239.255.255.255", None),
        ("2001:1ff:ffff::1", "2001:200::1"),
        ("2002:ffff::1", "2003::1"),
        ("3fff:fff:ffff::1", "2fff::1"),
        ("1fff::1", "2600::1"),
        ("4000::1", None),
        ("64:ff9b::a00:1", "64:ff9b::5db8:d822"),
        ("64:ff9b::1:5db8:d822", None),
        ("::ffff:10.0.0.1", "::ffff:93.184.216.34"),
    ],
)
def test_a_network_that_is_not_the_internet_ends_where_it_ends(inside, outside):
    assert not is_public(inside)
    assert outside is None or is_public(outside)


@pytest.mark.parametrize("text", ["", "jobs.example", "93.184.216", "93.184.216.34:80", "[::1]"])
def test_what_is_no_address_is_not_public(text):
    assert is_public(text) is False


def test_an_address_may_be_as_long_as_browsers_take_it_and_loses_its_fragment():
    guard, start = AddressGuard(), f"http://{PUBLIC}/"
    longest = start + "a" * (2_000 - len(start))

    assert str(guard.check_url(URL(longest))) == longest
    with pytest.raises(UrlNotAllowed):
        guard.check_url(URL(longest + "a"))
    assert str(guard.check_url(URL("https://jobs.example/a?b=c#d"))) == "https://jobs.example/a?b=c"


@pytest.mark.parametrize("port", [80, 443, 8080, 8443])
def test_pages_are_read_on_the_ports_of_the_web(port):
    AddressGuard().check_url(URL(f"http://jobs.example:{port}/"))


def test_who_names_another_port_or_a_password_is_told_why():
    with pytest.raises(UrlNotAllowed, match=r"on the ports 80, 443, 8080, 8443 only"):
        AddressGuard().check_url(URL("http://jobs.example:22/"))
    for user in ("user", "user:word", ":word"):
        with pytest.raises(UrlNotAllowed, match="user name or password"):
            AddressGuard().check_url(URL(f"http://{user}@jobs.example/"))


def test_what_is_exempt_is_one_host_on_one_port_however_it_is_written():
    guard = AddressGuard(["LocalHost:9000", "[::1]:9001"])

    for url in ("http://localhost:9000/", "http://[::1]:9001/"):
        guard.check_url(URL(url))
    for url in ("http://localhost:9001/", "http://[::1]:9000/", "http://[::2]:9001/"):
        with pytest.raises(UrlNotAllowed):
            guard.check_url(URL(url))


def info(address, port):
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


async def test_a_resolved_name_is_remembered_by_address_and_port_until_the_fetch_is_over(monkeypatch):
    asked = []

    async def getaddrinfo(host, port, **how):
        asked.append((host, port, how))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    guard = AddressGuard()

    [found] = await guard.resolve("jobs.example", 443, socket.AF_INET)

    assert asked == [("jobs.example", 443, {"type": socket.SOCK_STREAM, "family": socket.AF_INET})]
    assert found == {
        "hostname": "jobs.example",
        "host": PUBLIC,
        "port": 443,
        "family": socket.AF_INET,
        "proto": 6,
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }
    with guard.open_socket(info(PUBLIC, 443)) as opened:
        assert (opened.family, opened.type, opened.proto) == (socket.AF_INET, socket.SOCK_STREAM, 6)
    with pytest.raises(OSError):  # noqa: PT011 - whatever the HTTP client takes for a failed connection
        guard.open_socket(info(PUBLIC, 80))
    await guard.close()
    with pytest.raises(OSError):  # noqa: PT011
        guard.open_socket(info(PUBLIC, 443))


async def test_both_families_are_asked_for_unless_one_is_named(monkeypatch):
    asked = []

    async def getaddrinfo(host, port, *, type, family):  # noqa: A002 - its own name for it
        asked.append((port, family))
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)

    assert await AddressGuard().resolve("jobs.example") == []
    assert asked == [(0, socket.AF_UNSPEC)]


# --- One page, many addresses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        "http://jobs.example/cook",
        "https://www.jobs.example/cook/",
        " https://jobs.example/cook#apply ",
        "https://JOBS.example/cook",
        "https://jobs.example:443/cook",
        "http://jobs.example:80/cook",
        "https://jobs.example/cook/index.html",
        "https://jobs.example/cook/index.htm",
        "https://jobs.example/cook/index.php",
        "https://jobs.example/cook/amp",
        "https://jobs.example/cook/amp/",
        "https://jobs.example/c%6Fok",
        "https://jobs.example/cook?utm_source=mail&ref=friend&GCLID=1&session=2",
    ],
)
def test_scheme_tracking_and_the_end_of_the_path_make_no_other_page(other):
    assert address_key(other) == "jobs.example/cook"
    assert same_address("https://jobs.example/cook", other)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://jobs.example/?b=2&a=1&a=0", "jobs.example?a=0&a=1&b=2"),
        ("https://jobs.example/?id=1&reference=2", "jobs.example?id=1&reference=2"),
        ("https://jobs.example:8443/cook", "jobs.example:8443/cook"),
        ("https://m.jobs.example/cook", "m.jobs.example/cook"),
        ("https://jobs.example/index.html/cook", "jobs.example/index.html/cook"),
        ("https://jobs.example/champ", "jobs.example/champ"),
        ("https://jobs.example/?q=a%26b", "jobs.example?q=a%26b"),
        ("ftp://jobs.example/cook", ""),
        ("https:///cook", ""),
        ("https://jobs.example:port/", ""),
        ("https://[::1", ""),
        ("jobs.example/cook", ""),
        ("", ""),
    ],
)
def test_what_decides_which_page_it_is_is_kept(url, key):
    assert address_key(url) == key


def test_what_is_no_address_is_the_same_as_nothing():
    assert not same_address("", "")
    assert not same_address("https://jobs.example/cook", "https://jobs.example/baker")
