"""Finds things in a text by its form alone: labelled lines, headings, sections, sums of money, dates.

This is what stands in for a model. It quotes: a value is a span of the text, or a number or date in it.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

_TAGGED = re.compile(r"(?ms)^<(?P<tag>[A-Za-z][\w-]*)[^<>\n]*>\s*\n(?P<body>.*?)\n\s*</(?P=tag)>")
_BRACKETED = re.compile(r"(?ms)^\[(?P<mark>[^\[\]\n]+)\]\n(?P<body>.*?)\n\[end of (?P=mark)\]")
_LABELLED = re.compile(r"^[^\w\n]*(?P<label>[^\W\d_][\w /&'()-]{0,40}?)\**\s*:\**\s+(?P<value>\S.*)$")
_BULLET = re.compile(r"^\s*(?:[-*•‣\u2013]|\d{1,2}[.)])\s+(?P<item>.+)$")
_HEADING_MARKS = re.compile(r"^#+\s*|^\*\*|\*\*$|:$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_a-z])")
_EMPLOYER = re.compile(
    r"\b(?P<before>[A-Z][\w&.'-]*(?: [A-Z][\w&.'-]*){0,3}) (?:is|are) (?:looking|hiring|searching|seeking)\b"
    r"|\b[Jj]oin (?P<after>[A-Z][\w&'-]*(?: [A-Z][\w&'-]*){0,3})"
)
_PLACE = re.compile(r"\b(?:based|located) in (?P<place>[A-Z][\w'-]*(?:,? [A-Z][\w'-]*){0,3})")
_AT = re.compile(r"^(?P<title>.+?)\s+(?:at|@)\s+(?P<company>[A-Z0-9].*)$")
_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "KSH": "KES"}
_AMOUNT = r"\d{1,3}(?:[,. ']\d{3})+|\d+"
_MONEY = re.compile(
    rf"(?P<currency>\b[A-Z]{{3}}\b|KSh|[€$£])?\s*(?P<low>{_AMOUNT})(?P<low_k>k\b)?"
    rf"(?:\s*(?:-|\u2013|\u2014|to|bis)\s*(?:[A-Z]{{3}} |[€$£])?(?P<high>{_AMOUNT})(?P<high_k>k\b)?)?"
    r"\s*(?P<currency_after>\b[A-Z]{3}\b|[€$£])?"
)
_CURRENCIES = re.compile(
    r"AED|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EGP|ETB|EUR|GBP|GHS|HUF|INR|JPY|KES|MXN|NGN|NOK|NZD|PLN|RON|RWF|SEK|SGD"
    r"|TRY|TZS|UAH|UGX|USD|ZAR|ZMW"
)
_DATE = re.compile(
    r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}\.? [A-Z][a-z]{2,8} \d{4}\b|\b[A-Z][a-z]{2,8} \d{1,2}, \d{4}\b"
    r"|\b\d{1,2}\.\d{1,2}\.\d{4}\b"
)
_DATE_FORMS = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%d.%m.%Y")


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts in `currency` (ISO 4217 code, empty when the text names none)."""

    low: int
    high: int
    currency: str


def normalised(text: str) -> str:
    """Words in lower case with single spaces: `baseSalary`, `base_salary` and `Base salary` are the same."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.findall(r"[^\W_]+", spaced.casefold()))


def document(prompt: str) -> str:
    """What a prompt is about: the insides of the blocks that are marked as such, or all of it when there are
    none. Marks are lines of their own: `<posting>`, `</posting>`; `[posting 7f]`, `[end of posting 7f]`."""
    blocks = [match["body"] for match in [*_TAGGED.finditer(prompt), *_BRACKETED.finditer(prompt)]]
    return "\n\n".join(blocks) if blocks else prompt


@dataclass(frozen=True)
class Reading:
    """One text and what can be found in it. `has_heading` is False for a fragment, which has no title."""

    text: str = field(repr=False)
    has_heading: bool = True

    @cached_property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.text.splitlines() if line.strip()]

    @cached_property
    def plain(self) -> str:
        """Padded with spaces, so that whole words can be looked for."""
        return f" {normalised(self.text)} "

    @cached_property
    def labels(self) -> dict[str, str]:
        """Value by normalised label, of lines like `Company: Acme`; the first one wins."""
        found: dict[str, str] = {}
        for line in self.lines:
            if match := _LABELLED.match(line):
                found.setdefault(normalised(match["label"]), match["value"].strip(" *"))
        return found

    @cached_property
    def sections(self) -> dict[str, list[str]]:
        """Bullets, or else lines, under each normalised heading."""
        found: dict[str, list[str]] = {}
        current: list[str] = []
        is_list = False
        for line in self.lines:
            bullet = _BULLET.match(line)
            if bullet:
                current.append(bullet["item"].strip())
            elif _is_heading(line):
                current = found.setdefault(normalised(_HEADING_MARKS.sub("", line)), [])
            elif is_list:
                # Prose after a list no longer belongs to its heading.
                current = []
            else:
                current.append(line)
            is_list = bullet is not None
        return {heading: items for heading, items in found.items() if items}

    @cached_property
    def sentences(self) -> list[str]:
        """Of prose only: at least four words, ending as sentences do."""
        paragraphs = [""]
        for line in self.text.splitlines():
            if not line.strip() or _BULLET.match(line) or _LABELLED.match(line):
                paragraphs.append("")
            else:
                paragraphs[-1] += f" {line.strip()}"
        parts = (part.strip() for text in paragraphs for part in _SENTENCE_END.split(text))
        return [part for part in parts if len(part.split()) >= 4 and part[-1] in ".!?"]

    @cached_property
    def title(self) -> str | None:
        """The first line that reads like a heading, without ` at Company`."""
        heading = self._heading
        match = _AT.match(heading) if heading else None
        return match["title"] if match else heading

    @cached_property
    def company(self) -> str | None:
        if self._heading and (match := _AT.match(self._heading)):
            return match["company"]
        named = _EMPLOYER.search(self.text)
        return (named["before"] or named["after"]) if named else None

    @cached_property
    def place(self) -> str | None:
        match = _PLACE.search(self.text)
        return match["place"] if match else None

    @cached_property
    def _heading(self) -> str | None:
        candidates = self.lines[:8] if self.has_heading else []
        for line in candidates:
            if not _LABELLED.match(line) and not _BULLET.match(line) and _is_heading(line):
                return _HEADING_MARKS.sub("", line).strip()
        return None

    def labelled(self, names: list[str]) -> str | None:
        """The value under the first of these normalised labels that the text has; then under one that
        contains all the words of a name."""
        for name in names:
            if name in self.labels:
                return self.labels[name]
        for name in names:
            words = set(name.split())
            for label, value in self.labels.items():
                if words <= set(label.split()):
                    return value
        return None

    def section(self, names: list[str]) -> list[str] | None:
        for name in names:
            for heading, items in self.sections.items():
                if heading == name or f" {name} " in f" {heading} ":
                    return items
        return None

    def says(self, phrase: str) -> bool:
        """Whether the words of `phrase` occur in this order, whatever separates them."""
        return f" {normalised(phrase)} " in self.plain


def _is_heading(line: str) -> bool:
    marked = bool(_HEADING_MARKS.search(line))
    return len(line.split()) <= 12 and len(line) <= 120 and (marked or line[-1] not in ".,;!?")


def money(text: str, *, currency_needed: bool = True) -> Money | None:
    """The first sum, or range of sums, in the text. Without a currency a number may be anything, a year or a
    phone: it counts only where the text is known to be about money."""
    for match in _MONEY.finditer(text):
        written = match["currency"] or match["currency_after"] or ""
        currency = _SYMBOLS.get(written.upper(), written)
        if not _CURRENCIES.fullmatch(currency):
            if currency_needed:
                continue
            currency = ""
        low = _amount(match["low"], match["low_k"] or match["high_k"])
        high = _amount(match["high"], match["high_k"]) if match["high"] else low
        return Money(low, high, currency)
    return None


def _amount(digits: str, thousands: str | None) -> int:
    return int(re.sub(r"\D", "", digits)) * (1000 if thousands else 1)


def first_date(text: str) -> date | None:
    for match in _DATE.finditer(text):
        written = re.sub(r"(?<=\d)\. ", " ", match.group())
        for form in _DATE_FORMS:
            try:
                return datetime.strptime(written, form).date()  # noqa: DTZ007
            except ValueError:
                continue
    return None


def first_number(text: str) -> float | None:
    match = re.search(r"-?\d[\d,']*(?:\.\d+)?", text)
    return float(re.sub(r"[,']", "", match.group())) if match else None
