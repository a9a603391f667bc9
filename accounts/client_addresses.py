"""Where a request comes from, when proxies that we trust stand in front.

Each proxy writes the address it was called from at the right end of X-Forwarded-For, so the right-most entry
that no trusted proxy's is the client's; what stands left of it, the client may have invented.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def trusted_proxies(text: str) -> int | tuple[Network, ...]:
    """TRUSTED_PROXIES as it is read: how many proxies stand in front of every request, or the addresses and
    networks they call from. Raises ImproperlyConfigured."""
    if text.strip().isdecimal():
        return int(text)
    return networks(text, what="TRUSTED_PROXIES is a number of proxies, or")


def networks(text: str, *, what: str) -> tuple[Network, ...]:
    """Addresses and networks separated by commas. Raises ImproperlyConfigured, which says `what` they are."""
    try:
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        return tuple(ipaddress.ip_network(entry) for entry in entries)
    except ValueError as error:
        raise ImproperlyConfigured(f"{what} addresses and networks separated by commas: {error}.") from None


def client_address(*, peer: str, forwarded_for: str, trusted: int | Sequence[Network]) -> str:
    """The address of the client: `peer` is who holds the connection, `forwarded_for` the whole
    X-Forwarded-For. What is not an address ends the search at the proxy that sent it."""
    entries = forwarded_for.split(",") if forwarded_for.strip() else []
    address = peer
    for hop, entry in enumerate(reversed(entries)):
        # By number: the peer is the first of the proxies, who wrote the right-most entry, and so on.
        if hop >= trusted if isinstance(trusted, int) else not is_within(address, trusted):
            break
        found = _address_in(entry)
        if not found:
            break
        address = found
    return address


def is_trusted(*, peer: str, trusted: int | Sequence[Network]) -> bool:
    """Whether `peer` is a proxy whose headers are believed."""
    return trusted > 0 if isinstance(trusted, int) else is_within(peer, trusted)


def of_request(request: Any) -> str:
    """The client's address of a Django request that has come through the middleware below."""
    return str(request.META.get("REMOTE_ADDR") or "")


@sync_and_async_middleware
def client_address_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Make REMOTE_ADDR the client's address, for the lock, the throttles, the audit trail and the logs; and
    forget X-Forwarded-Proto, by which HTTPS is recognised, unless a trusted proxy sent it."""

    if iscoroutinefunction(get_response):

        async def through(request: HttpRequest) -> Any:
            _correct(request)
            return await get_response(request)

        return through

    def through_sync(request: HttpRequest) -> Any:
        _correct(request)
        return get_response(request)

    return through_sync


def _correct(request: HttpRequest) -> None:
    peer, trusted = of_request(request), settings.TRUSTED_PROXIES
    if not is_trusted(peer=peer, trusted=trusted):
        request.META.pop("HTTP_X_FORWARDED_PROTO", None)
    address = client_address(
        peer=peer, forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""), trusted=trusted
    )
    if address == peer:
        return
    request.META["REMOTE_ADDR"] = address
    if isinstance(request, ASGIRequest):
        # The web server's access log reads it there.
        cast(dict[str, Any], request.scope)["client"] = (address, 0)


def _address_in(entry: str) -> str:
    """The IP address of one entry, which may carry a port; empty when there is none. One address has one
    spelling, or a client could be a new one each time."""
    text = entry.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return ""
        address = address.ipv4_mapped or address
    return str(address)


def is_within(address: str, those: Sequence[Network]) -> bool:
    """Whether the address is in one of the networks; never, for what is no address."""
    spelled = _address_in(address)
    return bool(spelled) and any(ipaddress.ip_address(spelled) in network for network in those)
