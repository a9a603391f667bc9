"""The readable text of a page, and text made comparable."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import lxml.html
from lxml.etree import ParserError

_lxml: Any = lxml.html  # lxml carries no types

# Below this, trafilatura has mistaken the page's main part; the whole page's text is the better guess.
ENOUGH_CHARACTERS = 250
# A page that says less than this says nothing.
LEAST_CHARACTERS = 40
# A page with a password field must say more than a login form does.
LEAST_CHARACTERS_BESIDE_LOGIN = 600
# Many times the longest posting; bounds every later step.
MAX_CHARACTERS = 100_000
# Trafilatura's time grows with the tree; larger pages are read as plain text.
MAX_TREE_ELEMENTS = 20_000


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says. `headings` are its title candidates, most trusted first; `asks_login` is whether it
    has a password field."""

    text: str = field(repr=False)
    headings: tuple[str, ...] = ()
    asks_login: bool = False

    @property
    def is_empty(self) -> bool:
        least = LEAST_CHARACTERS_BESIDE_LOGIN if self.asks_login else LEAST_CHARACTERS
        return len(self.text) < least


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


def read_page(html: str, tree: lxml.html.HtmlElement | None) -> PageText:
    """The main text by trafilatura, else all the visible text."""
    if tree is None:
        return PageText(text=tidy(html))
    main = _main_text(html) if sum(1 for _ in tree.iter()) <= MAX_TREE_ELEMENTS else ""
    headings = _headings(tree)
    asks_login = bool(tree.xpath('//input[translate(@type, "PASWORD", "pasword") = "password"]'))
    if len(main) < (LEAST_CHARACTERS_BESIDE_LOGIN if asks_login else ENOUGH_CHARACTERS):
        main = max(main, html_to_text(html), key=len)
    return PageText(text=main, headings=headings, asks_login=asks_login)


def html_to_text(html: str) -> str:
    """All the visible text of a page or fragment, one block a line."""
    import html_text  # half a second of imports that only pages need

    return tidy(html_text.extract_text(html))


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
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"[\u2018\u2019\u201a\u201b`\u00b4]", "'", text)
    text = re.sub(r"[\u201c\u201d\u201e\u00ab\u00bb]", '"', text)
    text = re.sub(r"(?m)^\s*(?:[-\u2022*\u00b7\u25aa\u25cf\u2013\u2014]|\d{1,2}[.)])\s+", "", text)
    text = re.sub(r"[\-_\u2010-\u2015\u2212*]+", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _main_text(html: str) -> str:
    import trafilatura  # a third of a second of imports that only pages need

    # Recall over precision: a salary line lost costs more than a menu item kept.
    text = trafilatura.extract(html, include_comments=False, include_tables=True, favor_recall=True)
    return tidy(text or "")


def _headings(tree: lxml.html.HtmlElement) -> tuple[str, ...]:
    """The only <h1>, og:title. Several <h1> are sections, not a title; <title> carries the site's name."""
    found = [" ".join(h1.text_content().split()) for h1 in tree.xpath("//h1")]
    found = found if len(found) == 1 else []
    found += [
        " ".join(str(content).split()) for content in tree.xpath('//meta[@property="og:title"]/@content')[:1]
    ]
    return tuple(heading for heading in dict.fromkeys(found) if 0 < len(heading) <= 200)
