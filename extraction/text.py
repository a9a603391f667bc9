"""Text tidied and made comparable, and markup parsed."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import lxml.html
from lxml.etree import ParserError

_lxml: Any = lxml.html  # lxml carries no types

# Many times the longest posting; bounds every later step.
MAX_CHARACTERS = 100_000


def parse_html(html: str) -> lxml.html.HtmlElement | None:
    """The page as a tree; None when nothing in it is markup."""
    try:
        # Bytes, because lxml refuses a str that carries an encoding declaration.
        parser = _lxml.HTMLParser(encoding="utf-8")
        tree: lxml.html.HtmlElement = _lxml.document_fromstring(
            html.encode("utf-8", "replace"), parser=parser
        )
    except (ParserError, ValueError):
        return None
    return tree


# What a reader cannot see but a model reads: controls, soft hyphens, bidirectional overrides, zero-width
# characters (the joiners stay: Persian and emoji need them), the tag block that smuggles ASCII, surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def tidy(text: str) -> str:
    """Composed characters, nothing invisible, single spaces, at most one empty line in a row, and no
    more than MAX_CHARACTERS."""
    text = unicodedata.normalize("NFC", text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n"))
    text = _UNSEEN.sub("", text)
    lines = [re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def comparable(text: str) -> str:
    """Text as two spellings of the same words agree on it: case, width, spaces, dashes, quotes, bullets and
    emphasis marks do not count."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("i\u0307", "i")
    text = re.sub(r"[\u2018\u2019\u201a\u201b`\u00b4]", "'", text)
    text = re.sub(r"[\u201c\u201d\u201e\u00ab\u00bb]", '"', text)
    text = re.sub(r"(?m)^\s*(?:[-\u2022*\u00b7\u25aa\u25cf\u2013\u2014]|\d{1,2}[.)])\s+", "", text)
    text = re.sub(r"[\-_\u2010-\u2015\u2212*]+", " ", text)
    return re.sub(r"\s+", " ", text).strip()
