import asyncio
import socket

import pytest
from yarl import URL

from extraction.addresses import AddressGuard
from extraction.errors import (
    PageTimedOut,
    PageTooLarge,
    PageUnavailable,
    UnsupportedContent,
    UrlNotAllowed,
)
from extraction.fetching import FetchLimits, fetch
from providers.public_addresses import UncheckedAddress, is_public

HOSTILE_URLS = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::1]/",
    "http://[::127.0.0.1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[ff02::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://192.0.0.192/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://93.184.216.34:22/",
    "http://93.184.216.34:6379/",
    "http://user:password@93.184.216.34/",
    "http://user@93.184.216.34/",
    "ftp://93.184.216.34/",
    "ftp://93.184.216.34:80/",
    "file:///etc/passwd",
    "gopher://93.184.216.34/",
    "data:text/html,<p>x",
    "javascript:alert(1)",
    "//93.184.216.34/",
    "93.184.216.34",
    "http://",
    "http:///path",
    "http://[::1",
    "http://93.184.216.34:99999/",
    "",
    "http://93.184.216.34/" + "a" * 2000,
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
async def test_it_refuses_an_address_that_is_not_a_public_web_page(url):
    with pytest.raises(UrlNotAllowed) as refused:
        await fetch(url=url)

    assert refused.value.code == "url_not_allowed"


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"],
)
def test_it_takes_a_public_address_for_public(address):
    assert is_public(address)


async def test_it_refuses_a_redirect_to_a_private_address(site, settings):
    for target in (
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest",
        "http://2130706433/",
        "file:///etc/passwd",
        "//localhost/",
        "http://[::1]/",
        "http://user@93.184.216.34/",
        "http://[",
    ):
        with pytest.raises(UrlNotAllowed):
            await fetch(url=str(URL(f"{site.root}/redirect") % {"to": target}))


async def test_it_follows_a_redirect_within_the_allowed_hosts(site):
    page = await fetch(url=f"{site.root}/redirect?to=/postings/prose.html")

    assert page.url == f"{site.root}/postings/prose.html"
    assert "Backend Developer" in page.body


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_every_kind_of_redirect_is_followed(site, code):
    page = await fetch(url=f"{site.root}/answer?code={code}&to=/postings/prose.html")

    assert page.url == f"{site.root}/postings/prose.html"


async def test_an_address_beside_a_page_is_no_redirect(site):
    site.html = b"<p>Cook</p>"

    page = await fetch(url=f"{site.root}/answer?code=201&to=/postings/prose.html")

    assert (page.body, len(site.requests)) == ("<p>Cook</p>", 1)


async def test_nothing_is_connected_to_that_the_guard_has_not_seen(monkeypatch, forbidden_site):
    """A path by which the client skips the resolver."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        here = {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET}
        return [here | {"proto": 6, "flags": 0}]

    port = int(forbidden_site.host.rpartition(":")[2])
    monkeypatch.setattr("providers.public_addresses.PORTS", frozenset({port}))
    monkeypatch.setattr(AddressGuard, "resolve", resolve)

    with pytest.raises(UrlNotAllowed):
        await fetch(url=f"http://jobs.example:{port}/postings/prose.html")

    assert forbidden_site.requests == []


async def test_it_stops_following_redirects(site):
    with pytest.raises(PageUnavailable) as refused:
        await fetch(url=f"{site.root}/loop")

    assert refused.value.details == {"reason": "redirects"}
    assert len(site.requests) == 6


async def test_the_exemption_is_for_one_host_and_port_only(forbidden_site, settings):
    settings.EXTRACTION_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1:1"]

    with pytest.raises(UrlNotAllowed):
        await fetch(url=f"{forbidden_site.root}/postings/prose.html")

    assert forbidden_site.requests == []


def answers(*addresses):
    """A stand-in for the system's name resolution, the one thing here that a test cannot have for real: each
    call takes the next answer."""
    remaining = list(addresses)

    async def getaddrinfo(host, port, **_):
        found = remaining.pop(0)
        family = socket.AF_INET6 if ":" in found[0] else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    return getaddrinfo


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "fd00::1", "::ffff:10.0.0.1"]
)
async def test_it_refuses_a_name_that_resolves_to_a_private_address(monkeypatch, address):
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answers([address]))

    with pytest.raises(UrlNotAllowed):
        await fetch(url="http://jobs.example/posting")


async def test_it_refuses_a_name_when_only_one_of_its_addresses_is_private(monkeypatch):
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answers(["93.184.216.34", "10.0.0.7"]))

    with pytest.raises(UrlNotAllowed):
        await fetch(url="http://jobs.example/posting")


async def test_it_connects_to_the_address_it_checked_even_if_the_name_changes_its_mind(
    monkeypatch, forbidden_site
):
    """DNS rebinding: public when checked, loopback when asked again. Nobody asks again."""
    loop = asyncio.get_running_loop()
    port = int(forbidden_site.host.rpartition(":")[2])
    monkeypatch.setattr("providers.public_addresses.PORTS", frozenset({port}))
    monkeypatch.setattr(loop, "getaddrinfo", answers(["93.184.216.34"], ["127.0.0.1"]))
    tried = []

    async def sock_connect(sock, address):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(loop, "sock_connect", sock_connect)

    with pytest.raises(PageUnavailable):
        await fetch(url=f"http://rebind.example:{port}/postings/prose.html")

    assert tried == [("93.184.216.34", port)]
    assert forbidden_site.requests == []


async def test_it_refuses_a_second_hop_whose_name_now_resolves_to_loopback(monkeypatch, site):
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", answers(["127.0.0.1"]))

    with pytest.raises(UrlNotAllowed):
        await fetch(url=f"{site.root}/redirect?to=http://rebind.example/postings/prose.html")

    assert len(site.requests) == 1


def test_no_socket_is_made_for_an_address_nobody_checked():
    guard = AddressGuard()
    guard.check_url(URL("http://93.184.216.34/"))

    guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 80))).close()
    with pytest.raises(UncheckedAddress):
        guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    with pytest.raises(UncheckedAddress):
        guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 6379)))


async def test_it_stops_reading_a_200_mb_page_at_the_limit(site):
    with pytest.raises(PageTooLarge) as refused:
        await fetch(url=f"{site.root}/huge")

    assert refused.value.details == {"limit_bytes": 5 * 1024 * 1024}
    # What the sockets' buffers took on top of the limit.
    assert site.sent_bytes < 20 * 1024 * 1024


async def test_it_refuses_a_page_by_its_announced_length(site):
    with pytest.raises(PageTooLarge):
        await fetch(url=f"{site.root}/announced")


@pytest.mark.parametrize(
    ("content", "declared", "limits"),
    [
        (b"x" * 100, "text/html", FetchLimits(size=100, pdf_size=0)),
        (b"%PDF-" + b"x" * 95, "application/pdf", FetchLimits(size=0, pdf_size=100)),
    ],
)
async def test_a_page_may_be_as_large_as_the_limit_of_its_kind(site, content, declared, limits):
    site.html = content
    url = f"{site.root}/answer?code=200&to=/&type={declared}"
    await fetch(url=url, limits=limits)
    site.html += b"x"

    with pytest.raises(PageTooLarge) as refused:
        await fetch(url=url, limits=limits)

    assert refused.value.details == {"limit_bytes": 100}


async def test_it_counts_the_limit_after_decompression(site):
    with pytest.raises(PageTooLarge):
        await fetch(url=f"{site.root}/bomb")


async def test_it_gives_up_on_a_page_that_never_ends(site):
    with pytest.raises(PageTimedOut) as refused:
        await fetch(url=f"{site.root}/slow", limits=FetchLimits(seconds=0.3))

    assert (refused.value.code, refused.value.details) == ("page_timeout", {"limit_seconds": 0.3})


@pytest.mark.parametrize("path", ["octets", "false-pdf", "picture", "binary"])
async def test_it_reads_pages_texts_and_pdfs_only(site, path):
    with pytest.raises(UnsupportedContent):
        await fetch(url=f"{site.root}/{path}")


@pytest.mark.parametrize("declared", ["application/xhtml+xml", "application/xml", "text/xml", "text/json"])
async def test_whatever_pages_are_called_they_are_read(site, declared):
    site.html = b"<!doctype html><p>Cook</p>"

    page = await fetch(url=f"{site.root}/answer?code=200&to=/&type={declared.replace('+', '%2B')}")

    assert page.body == "<!doctype html><p>Cook</p>"


async def test_another_type_is_named_in_the_refusal(site):
    with pytest.raises(UnsupportedContent) as refused:
        await fetch(url=f"{site.root}/picture")

    assert refused.value.details == {"content_type": "image/png"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("pdf", "pdf"),
        ("octet-pdf", "pdf"),
        ("plain-html", "html"),
        ("plain", "text"),
        ("untyped-html", "html"),
        ("untyped-json", "json"),
        ("untyped-text", "text"),
        ("json-ld", "json"),
    ],
)
async def test_it_tells_what_a_page_is_by_its_type_and_else_by_itself(site, path, kind):
    assert (await fetch(url=f"{site.root}/{path}")).kind == kind


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd"])
async def test_it_unpacks_what_it_says_it_takes(site, packing):
    page = await fetch(url=f"{site.root}/packed?with={packing}")

    assert packing in site.requests[0].headers["Accept-Encoding"]
    assert page.body == "<h1>Cook</h1>" + "<p>You cook.</p>" * 50


@pytest.mark.parametrize("packing", ["br", "zstd"])
async def test_it_counts_the_limit_after_unpacking_whatever_the_packing(site, packing):
    with pytest.raises(PageTooLarge):
        await fetch(url=f"{site.root}/packed-bomb?with={packing}")


async def test_it_goes_where_a_page_sends_its_reader_at_once(site):
    page = await fetch(url=f"{site.root}/refresh?to=/postings/prose.html")

    assert page.url == f"{site.root}/postings/prose.html"


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://169.254.169.254/", "file:///etc/passwd"])
async def test_it_does_not_go_where_nobody_may_be_sent(site, target):
    with pytest.raises(UrlNotAllowed):
        await fetch(url=str(URL(f"{site.root}/refresh") % {"to": target}))


async def test_a_page_that_refreshes_itself_is_read_as_it_is(site):
    site.html = b"<meta http-equiv=refresh content='5; url=/html'><p>Jobs of today</p>"

    page = await fetch(url=f"{site.root}/html")

    assert "Jobs of today" in page.body
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (300, "could not be read"),
        (304, "could not be read"),
        (401, "asks for a login"),
        (403, "refuses automatic readers"),
        (404, "no page at this address"),
        (410, "taken down"),
        (429, "too many requests"),
        (500, "could not be read"),
        (503, "could not be read"),
    ],
)
async def test_it_says_what_the_site_answered(site, code, says):
    with pytest.raises(PageUnavailable) as refused:
        await fetch(url=f"{site.root}/status?code={code}")

    assert refused.value.details == {"reason": "status", "upstream_status": code}
    assert says in refused.value.message


async def test_a_reply_cut_short_is_unavailable(site):
    with pytest.raises(PageUnavailable) as refused:
        await fetch(url=f"{site.root}/cut")

    assert refused.value.details == {"reason": "encoding"}


async def test_a_page_that_is_not_packed_as_it_says_is_unavailable(site):
    with pytest.raises(PageUnavailable):
        await fetch(url=f"{site.root}/brotli")


async def test_a_name_that_does_not_exist_is_unavailable(monkeypatch):
    async def getaddrinfo(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)

    with pytest.raises(PageUnavailable) as refused:
        await fetch(url="https://no-such-name.example/")

    assert refused.value.details == {"reason": "dns"}


async def test_it_reads_the_charset_from_the_page(site):
    page = await fetch(url=f"{site.root}/latin")

    assert "Küchenchef für Köln" in page.body


async def test_it_sends_no_cookies_credentials_or_referer(site, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    await fetch(url=f"{site.root}/cookies#fragment")

    first, second = site.requests
    for request in (first, second):
        assert not {"Cookie", "Authorization", "Referer"} & set(request.headers)
        assert request.headers["User-Agent"].startswith("Aditus/")
        assert request.headers["Accept"].startswith("text/html, ")
        # A connection that was checked for one request is not used for another.
        assert request.headers["Connection"] == "close"
