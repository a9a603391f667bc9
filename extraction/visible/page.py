"""A page as its reader sees it: the text of its subject, and the frame around it."""

from __future__ import annotations

import re
import unicodedata
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import lxml.html
from lxml.etree import ParserError

from extraction.addresses import same_address
from extraction.visible.boilerplate import drop_boilerplate, without_edges
from extraction.visible.hidden import drop_unseen, text_of
from extraction.visible.lines import lines_of
from extraction.vocabulary import comparable, language_of, languages, pattern, terms

_lxml: Any = lxml.html  # lxml carries no types

# Many times the longest posting; bounds every later step.
MAX_CHARACTERS = 100_000
# A page that says less than this says nothing.
LEAST_CHARACTERS = 40
MAX_LINKS = 2000
# Ten times the largest posting seen; what follows is cut off.
MAX_ELEMENTS = 30_000
MAX_HEADING = 200
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[a-zA-Z]{2,24}(?![\w-])")
_NOT_FOR_APPLICATIONS = re.compile(
    r"^(?:privacy|datenschutz|dpo|press|presse|noreply|no-reply|webmaster|abuse|support|press\w*|legal|security)@|unsubscribe|newsletter|bounce|[-.]leave@|[-.]owner@|desinscri|abmelde",
    re.IGNORECASE,
)
# What a reader cannot see but a model reads: controls, soft hyphens, bidirectional overrides, zero-width
# characters (the joiners stay: Persian and emoji need them), the tag block that smuggles ASCII, surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_MAIL_HEADER = re.compile(
    r"[>\s*]{0,6}(?:from|von|de|da|van|från|от|to|an|à|para|cc|bcc|reply-to|"
    r"envoyé par|aan|do|od)\s*:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says. `text` is Markdown lines of its subject; `all_text` is everything visible, menus too;
    `headings` are its visible h1; `links` are (absolute address, words)."""

    text: str = field(repr=False)
    all_text: str = field(default="", repr=False)
    headings: tuple[str, ...] = ()
    page_title: str = ""
    social_title: str = ""
    site_name: str = ""
    canonical: str = ""
    language: str | None = None
    locale: str | None = None
    apply_url: str | None = None
    emails: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    asks_password: bool = False
    runs_scripts: bool = False

    @property
    def is_empty(self) -> bool:
        return len(self.text) < LEAST_CHARACTERS


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


def tidy(text: str) -> str:
    """Composed characters, nothing invisible, single spaces, at most one empty line in a row, and no
    more than MAX_CHARACTERS."""
    text = unicodedata.normalize("NFC", text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n"))
    text = _UNSEEN.sub("", text)
    lines = [re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def read_text(text: str) -> PageText:
    """A pasted text; HTML pasted as text is read as the page it is."""
    if looks_like_html(text) and (tree := parse_html(text)) is not None:
        return read_page(tree, url="")
    clean = tidy(_unquoted(text))
    language = language_of(clean)
    return PageText(
        text=clean,
        all_text=clean,
        language=language,
        locale=_locale(None, "", language, clean),
        emails=_emails(clean, []),
    )


def _unquoted(text: str) -> str:
    """A forwarded mail without the marks of its quotation."""
    lines = text.split("\n")
    if sum(line.startswith(">") for line in lines) < max(3, len(lines) // 4):
        return text
    return "\n".join(re.sub(r"^(?:>\s?){1,6}", "", line) for line in lines)


def looks_like_html(text: str) -> bool:
    """Whether a text is a page or a piece of one, not a text that mentions a tag."""
    head = text.lstrip("\ufeff \t\r\n")[:2000].lower()
    if re.match(r"<(?:!doctype\s+html|html|head|body|\?xml|!--)", head):
        return True
    tags = re.findall(
        r"<(?:/\s?)?(?:p|div|h[1-6]|ul|ol|li|br|table|tr|td|span|strong|section|article|script)\b[^<>]{0,300}>",
        text[:20_000].lower(),
    )
    return len(tags) >= 3


def read_page(tree: lxml.html.HtmlElement, *, url: str) -> PageText:
    """Read a parsed page; `url` is where it stands. The tree is left as it is."""
    seen: Any = deepcopy(tree)
    for element in list(seen.iter())[MAX_ELEMENTS:]:
        if (parent := element.getparent()) is not None:
            parent.remove(element)
    # `head` goes with what is unseen, and says the most about the page.
    frame = _frame(seen, url)
    drop_unseen(seen)
    headings = _headings(seen)
    links = _links(seen, frame["base"])
    asks_password = bool(tree.xpath('//input[translate(@type, "PASWORD", "pasword") = "password"]'))
    scripts = len(tree.xpath("//script"))
    all_text = tidy("\n".join(lines_of(seen)))
    drop_boilerplate(seen, _first_heading(seen))
    text = tidy("\n".join(lines_of(seen)))
    text = without_edges(text, links, headings)
    language = _language(tree, text)
    if len(text) < 200 and len(all_text) > 3 * len(text) + 200:
        # What looked like boilerplate was the page.
        text = all_text
    return PageText(
        text=text,
        all_text=all_text,
        headings=headings,
        page_title=frame["page_title"],
        social_title=frame["social_title"],
        site_name=frame["site_name"],
        canonical=frame["canonical"],
        language=language,
        locale=_locale(tree, url, language, text),
        apply_url=_apply_url(links, url),
        emails=_emails(text, links),
        links=links,
        asks_password=asks_password,
        runs_scripts=scripts > 0,
    )


def _language(tree: Any, text: str) -> str | None:
    """By the text itself; what the page declares is often its template's."""
    if found := language_of(text):
        return found
    declared = str(tree.get("lang") or "").lower()[:2]
    return declared if declared in languages() else None


def _locale(tree: Any, url: str, language: str | None, text: str) -> str | None:
    """The language with the country where the page declares one or stands: "en-AU", "zh-TW"."""
    if language is None:
        return None
    declared = re.fullmatch(
        r"[a-zA-Z]{2,3}(?:[-_][A-Za-z]{4})?[-_]([A-Za-z]{2})",
        str(tree.get("lang") or "") if tree is not None else "",
    )
    host = (urlsplit(url).hostname or "").rpartition(".")[2] if url else ""
    region = declared[1].upper() if declared else host.upper() if len(host) == 2 else ""
    if not region and language == "zh" and re.search(r"[職學歷聯應請]", text):
        region = "TW"
    return f"{language}-{region}" if region else language


def _frame(tree: Any, url: str) -> dict[str, str]:
    def content(path: str) -> str:
        found = tree.xpath(path)
        return " ".join(str(found[0]).split())[:MAX_HEADING] if found else ""

    title = tree.find(".//title")
    base = tree.xpath("//base/@href")
    canonical = content('//link[translate(@rel, "CANONIL", "canonil") = "canonical"]/@href') or content(
        '//meta[@property="og:url"]/@content'
    )
    return {
        "page_title": text_of(title)[:MAX_HEADING] if title is not None else "",
        "social_title": content('//meta[@property="og:title"]/@content'),
        "site_name": content('//meta[@property="og:site_name" or @name="application-name"]/@content'),
        "canonical": _absolute(url, canonical),
        "base": _absolute(url, str(base[0])) or url if base else url,
    }


def _first_heading(tree: Any) -> Any:
    return next((h1 for h1 in tree.iter("h1") if text_of(h1)), None)


def _headings(tree: Any) -> tuple[str, ...]:
    found = [text_of(h1) for h1 in tree.iter("h1")]
    return tuple(dict.fromkeys(heading for heading in found if 0 < len(heading) <= MAX_HEADING))[:5]


def _links(tree: Any, base: str) -> tuple[tuple[str, str], ...]:
    found = []
    for link in tree.iter("a"):
        href = str(link.get("href") or "").strip()
        if href and len(href) <= 2000:
            found.append((_absolute(base, href), text_of(link)[:MAX_HEADING]))
        if len(found) >= MAX_LINKS:
            break
    return tuple(found)


def _absolute(base: str, href: str) -> str:
    try:
        found = urljoin(base, href.strip())
        scheme = urlsplit(found).scheme
    except ValueError:
        return ""
    return found if scheme in {"http", "https", "mailto"} else ""


def _apply_url(links: tuple[tuple[str, str], ...], url: str) -> str | None:
    """Where the link leads that says "Apply now" and nothing else; None where several places are meant."""
    found: list[str] = []
    for href, words in links:
        if not href.startswith("http") or not words or len(words) > 80:
            continue
        said = comparable(words).strip(" .!>\u203a\u00bb\u2192()")
        if said not in terms("apply") and not (len(said.split()) <= 8 and pattern("apply").match(said)):
            continue
        if not same_address(href, url) and href not in found:
            found.append(href)
    return found[0] if len(found) == 1 else None


def _emails(text: str, links: Any) -> tuple[str, ...]:
    # The lines on top of a forwarded mail say who passed it on.
    lines = [line for line in text.split("\n") if "@" in line and not _MAIL_HEADER.match(line)]
    written = [match[0] for line in lines for match in _EMAIL.finditer(line)]
    linked = [
        href.removeprefix("mailto:").partition("?")[0] for href, _ in links if href.startswith("mailto:")
    ]
    found = [address for address in (*written, *linked) if _EMAIL.fullmatch(address)]
    by_folded = {address.casefold(): address for address in reversed(found)}
    kept = [address for address in reversed(by_folded.values()) if not _NOT_FOR_APPLICATIONS.search(address)]
    return tuple(kept[:5])
