"""Which addresses a user may have fetched, and which of them are one page."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from extraction.errors import UrlNotAllowed
from providers.public_addresses import PublicAddressGuard

# What says by which way somebody came, not where.
_TRACKING = re.compile(
    r"(?:utm_\w+|gclid|fbclid|msclkid|dclid|yclid|mc_[ce]id|ref|referrer|source|src|trk\w*|refid|gh_src|lever-source"
    r"|lever-origin|_ga|igshid|cid|campaign|medium|origin|originalsubdomain|position|pagenum|trackingid|from|session"
    r"|sessionid|jsessionid|phpsessid|sid|tk|advn|vjk|spa|hl|lang|locale)",
    re.IGNORECASE,
)


def address_key(url: str) -> str:
    """What two addresses of one page have in common: without scheme, "www.", fragment, tracking parameters,
    their order, a closing slash or index page. Empty for what is no web address."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    query = sorted((name, value) for name, value in parse_qsl(parts.query) if not _TRACKING.fullmatch(name))
    path = re.sub(r"/(?:index\.(?:html?|php)|amp)?/?$", "", unquote(parts.path))
    host = parts.hostname.removeprefix("www.") + (f":{port}" if port not in {None, 80, 443} else "")
    return f"{host}{path}" + (f"?{urlencode(query)}" if query else "")


def same_address(one: str, other: str) -> bool:
    """Whether both lead to the same page, as far as their spelling tells."""
    return address_key(one) == address_key(other) != ""


class AddressGuard(PublicAddressGuard):
    """Guards the connections of one fetch."""

    refusal = UrlNotAllowed
