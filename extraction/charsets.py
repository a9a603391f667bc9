"""Bytes of a page as text, whether or not it says, or says truly, what character set it is in."""

from __future__ import annotations

import re
from functools import cache

from charset_normalizer import from_bytes
from charset_normalizer.constant import IANA_SUPPORTED
from charset_normalizer.utils import iana_name
from w3lib.encoding import (
    html_body_declared_encoding,
    html_to_unicode,
    http_content_type_encoding,
    read_bom,
)

from extraction.vocabulary import comparable, languages, terms

# What follows a declaration that is wrong shows by this.
_REPLACED = "\ufffd"
MAX_SAMPLE = 60_000
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257")
# What the detector may answer for a text in one of the alphabets that Latin letters with marks share bytes
# with.
_SAME_BYTES = re.compile(
    r"(?:cp125[0247]|cp43\d|cp8\d\d|latin|iso8859|mac_|hp_roman|ascii|cp775|cp50)", re.IGNORECASE
)
_OTHER_ALPHABETS = re.compile(r"(?:cp1251|cp866|cp855|koi8|mac_cyrillic|iso8859_[5678])", re.IGNORECASE)


def decoded(content: bytes, content_type: str | None = None) -> str:
    """The text; by the header, the byte order mark, the page's own declaration, else by what it reads
    like."""
    if not _is_said_well(content, content_type):
        return content.decode(_detected(content), "replace")
    _, text = html_to_unicode(content_type, content, auto_detect_fun=_detected)
    if _REPLACED in text and _REPLACED.encode() not in content:
        other = content.decode(_detected(content), "replace")
        if other.count(_REPLACED) < text.count(_REPLACED):
            return other
    return str(text)


def _is_said_well(content: bytes, content_type: str | None) -> bool:
    """False where what is declared is a codec of Python's, but no character set: some of those fail, and one
    takes a page of two megabytes minutes."""
    declared = http_content_type_encoding(content_type) or html_body_declared_encoding(content)
    has_mark = read_bom(content)[0] is not None
    return declared is None or has_mark or iana_name(declared, strict=False) in IANA_SUPPORTED


def _detected(content: bytes) -> str:
    """The name of the character set that the bytes read like."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(content) - 3 or error.reason != "unexpected end of data":
            return _by_sample(_sample(content))
    return "utf-8"


def _sample(content: bytes) -> bytes:
    """The lines and pieces that are not plain ASCII: markup says nothing about an alphabet."""
    pieces = re.findall(rb"[^<>\n]{0,200}[\x80-\xff][^<>\n]{0,400}", content[: 20 * MAX_SAMPLE])
    return b"\n".join(pieces)[:MAX_SAMPLE]


def _by_sample(sample: bytes) -> str:
    best = from_bytes(sample).best()
    name = best.encoding if best is not None else "cp1252"
    # Words of other alphabets are longer.
    is_marked_latin = not re.search(rb"[\x80-\xff]{3}", sample)
    if is_marked_latin or (_SAME_BYTES.match(name) and not _OTHER_ALPHABETS.match(name)):
        return max(_LATIN, key=lambda candidate: (_known_words(sample, candidate), -_LATIN.index(candidate)))
    return name


def _known_words(sample: bytes, encoding: str) -> int:
    found = re.findall(r"[^\W\d_]+", comparable(sample.decode(encoding, "replace")))
    return sum(word in _accented_words() for word in found)


@cache
def _accented_words() -> frozenset[str]:
    """Every word of the vocabulary that is not plain ASCII."""
    paths = [("evidence",), ("labels",), ("headings",), ("common",), ("employment",), ("pages",), ("pay",)]
    found = {word for path in paths for term in terms(*path) for word in re.findall(r"[^\W\d_]+", term)}
    return frozenset(word for word in found if not word.isascii()) | _months()


def _months() -> frozenset[str]:
    from babel import Locale

    names = {
        comparable(name)
        for code in languages()
        for name in Locale.parse(code).months["format"]["wide"].values()
    }
    return frozenset(name for name in names if not name.isascii())
