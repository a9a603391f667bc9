"""Where a provider may live: wherever an operator runs a server, loopback and private networks included, but
not at the addresses that a cloud gives its machines to ask about themselves and their credentials."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in (
        # Link-local: the metadata services of AWS, Azure, Google, Oracle, DigitalOcean and others.
        "169.254.0.0/16",
        "fe80::/10",
        # Those that are elsewhere: AWS and Google over IPv6, Alibaba, Azure's host agent, Oracle's older one.
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
    )
)
# IPv6 prefixes whose addresses carry an IPv4 address, and how far left of the end it stands (RFC 6052, 3056).
_CARRIERS = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
_ADDRESS = re.compile(r"https?://[^\s/?#@\\]+(/[^\s?#\\]*)?")

_NOT_HTTP = "Enter an http or https address."
_NO_SUCH_PORT = "Enter an http or https address. The port is not one."
_NOT_ALLOWED = "Enter the address of a provider. Link-local and metadata addresses are not called."


def complaint_about(base_url: str) -> str:
    """What is wrong with a base URL, as a sentence; empty when nothing is, and when there is none. Names are
    looked up when they are called, by `guarded_socket`."""
    if not base_url:
        return ""
    if not _ADDRESS.fullmatch(base_url):
        return _NOT_HTTP
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _NO_SUCH_PORT
    if not host or port == 0:
        return _NO_SUCH_PORT if host else _NOT_HTTP
    return _NOT_ALLOWED if is_forbidden(host) else ""


def validate_base_url(base_url: str) -> None:
    """`complaint_about` as a validator of forms, serializers and models."""
    if complaint := complaint_about(base_url):
        raise ValidationError(complaint, code="invalid")


def is_forbidden(address: str) -> bool:
    """Whether an IP address, in any spelling that a resolver takes, is never called. No name is."""
    found = _read(address)
    return found is not None and any(
        candidate in network
        for candidate in (found, *_carried(found))
        for network in _FORBIDDEN
        if network.version == candidate.version
    )


class ForbiddenAddress(OSError):
    """A name led to an address that is never called; the HTTP client takes it for a failed connection."""


def guarded_socket(info: tuple[Any, Any, Any, Any, tuple[Any, ...]]) -> socket.socket:
    """aiohttp's socket factory: the last look, at the very address that is about to be connected to."""
    family, kind, protocol, _, address = info
    if is_forbidden(str(address[0])):
        raise ForbiddenAddress
    return socket.socket(family=family, type=kind, proto=protocol)


def _read(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        pass
    if re.fullmatch(r"[0-9a-fx.]+", text, re.IGNORECASE):
        # 2852039166, 0xa9fea9fe and 169.254.43518 are the same address.
        try:
            return ipaddress.IPv4Address(socket.inet_aton(text))
        except OSError:
            pass
    return None


def _carried(address: _Address) -> list[_Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    mapped = [address.ipv4_mapped] if address.ipv4_mapped else []
    carried = [
        ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
        for prefix, shift in _CARRIERS
        if address in prefix
    ]
    return [*mapped, *carried]
