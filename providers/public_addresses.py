"""Which addresses may be visited because somebody entered them, and a guard that lets a connection go nowhere
else.

The guard resolves a name once, refuses it unless every answer is public, and remembers the addresses that
passed. A socket is made only for a remembered address, so a name that answers differently the second time
(DNS rebinding), or a path by which the HTTP client skips the resolver, leads nowhere.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from accounts.errors import DomainError

MAX_URL_LENGTH = 2000
# The web lives here; anything else on a public host is a service that nobody means.
PORTS = frozenset({80, 443, 8080, 8443})

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291
# What Python's own tables let through. Azure's host agent has a public address; of 192.0.0.0/24 and 2001::/23
# (IANA's special-purpose registries) older Pythons know only parts; 6to4 and its relays, and Teredo in
# 2001::/23, carry an IPv4 address that would escape the check; 3fff::/20 is documentation (RFC 9637).
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
    )
)

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


def is_public(address: str) -> bool:
    """Whether an IP address (v4 or v6, as text) is one of the open internet.

    IPv4 inside IPv6 (mapped, NAT64) is judged by the IPv4 address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in _GLOBAL_UNICAST:
            return False
    if any(ip in network for network in _REFUSED if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast


class PublicAddressGuard(AbstractResolver):
    """Guards the connections of one visit. `refusal` is the error of who visits; `exempt` lists "host:port"
    that may be private."""

    refusal: type[DomainError]

    def __init__(self, exempt: Collection[str] = ()) -> None:
        self._exempt = frozenset(entry.lower() for entry in exempt)
        self._passed: set[tuple[str, int]] = set()

    def check_url(self, url: URL) -> URL:
        """The URL to request, without its fragment. Raises `refusal`."""
        if url.scheme not in {"http", "https"} or not url.raw_host or len(str(url)) > MAX_URL_LENGTH:
            raise self.refusal
        if url.raw_user is not None or url.raw_password is not None:
            raise self.refusal("Addresses with a user name or password in them are not visited.")
        host, port = url.raw_host, url.port or 0
        if port not in PORTS and not self._is_exempt(host, port):
            raise self.refusal(
                f"Addresses are visited on the ports {', '.join(map(str, sorted(PORTS)))} only."
            )
        if _is_literal(host):
            # The HTTP client does not ask the resolver about these.
            self._pass(host, host, port)
        return url.with_fragment(None)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """aiohttp's resolver contract. Raises `refusal`, or OSError when the name is unknown."""
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results = []
        for answer_family, _, protocol, _, address in answers:
            ip = str(address[0])
            self._pass(host, ip, port)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=ip,
                    port=port,
                    family=answer_family,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """aiohttp's socket factory: the last look at the very address the socket is about to connect to."""
        family, kind, protocol, _, address = info
        if (str(address[0]), int(address[1])) not in self._passed:
            raise UncheckedAddress
        return socket.socket(family=family, type=kind, proto=protocol)

    async def close(self) -> None:
        self._passed.clear()

    def _is_exempt(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{port}".lower() in self._exempt

    def _pass(self, host: str, ip: str, port: int) -> None:
        if not self._is_exempt(host, port) and not is_public(ip):
            raise self.refusal
        self._passed.add((ip, port))


class UncheckedAddress(OSError):
    """A connection was about to go to an address nobody had checked. An OSError, because that is what the
    HTTP client expects of a socket factory."""


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
