"""Lists under the headings that postings share, and the sentences that name the job and the employer."""

from __future__ import annotations

import re

MAX_ITEMS = 30
MAX_HEADING = 60

_HEADINGS = {
    "responsibilities": re.compile(
        r"(?:key |main |your |core |job )*(?:responsibilities|duties|tasks|mission)(?: and duties)?|"
        r"what you(?:'ll| will) (?:do|be doing)|what you do|(?:in this|your) role,? you will|"
        r"the role involves",
        re.IGNORECASE,
    ),
    "qualifications": re.compile(
        r"(?:key |minimum |basic |required |job |our )*(?:requirements|qualifications)|"
        r"what you(?:'ll| will)? (?:need|bring|have)|what we(?:'re| are)? look(?:ing)? for|your profile|"
        r"who you are|you have|you bring|must[- ]haves?|skills and experience|about you",
        re.IGNORECASE,
    ),
}
_BULLET = re.compile(r"^(?:[-*\u2022\u00b7\u25aa\u25cf\u2013]|\d{1,2}[.)])\s+(?P<item>\S.*)$")
_NAME = r"[A-Z][\w&.'\u2019/+#-]*"
_WANTED = re.compile(
    r"\b(?:looking for|seeking|hiring|recruiting|seeks|searching for) "
    rf"(?:an?|our(?: next| first)?)(?: experienced| new| talented| motivated)? "
    rf"(?P<title>{_NAME}(?: (?:{_NAME}|of|and|&)){{0,6}})"
)
_EMPLOYER = re.compile(
    rf"(?:^|(?<=[.!?] ))(?P<name>{_NAME}(?: (?:{_NAME}|&|of|and)){{0,5}}) "
    r"(?:is (?:looking for|seeking|hiring|recruiting|searching for)|seeks)\b",
    re.MULTILINE,
)
_ABOUT = re.compile(
    rf"^About (?!The\b|This\b|Our\b|Us\b|You\b)(?P<name>{_NAME}(?: {_NAME}){{0,4}})$", re.MULTILINE
)
_NOT_A_NAME = frozenset({"we", "who", "he", "she", "it", "our client", "the company", "our team", "this"})


def listed_sections(text: str) -> dict[str, list[str]]:
    """Field → the bulleted lines right under its heading. A field with two such sections gets both."""
    found: dict[str, list[str]] = {}
    current: str | None = None
    for line in (line.strip() for line in text.split("\n")):
        if not line:
            continue
        if bullet := _BULLET.match(line):
            if current:
                found.setdefault(current, []).append(bullet["item"].strip())
        else:
            current = _section(line)
    return {field: list(dict.fromkeys(items))[:MAX_ITEMS] for field, items in found.items()}


def named_title(text: str) -> str | None:
    """The job after "we are looking for a …", where the text names exactly one in capitals."""
    titles = {
        match["title"].rstrip(" .,&").removesuffix(" and").removesuffix(" of")
        for match in _WANTED.finditer(text)
    }
    return titles.pop() if len(titles) == 1 else None


def named_employer(text: str) -> str | None:
    """The name in "… is looking for" or "About …", where they agree on one."""
    names = {match["name"].strip(" .") for pattern in (_EMPLOYER, _ABOUT) for match in pattern.finditer(text)}
    names = {name for name in names if name.casefold() not in _NOT_A_NAME}
    return names.pop() if len(names) == 1 else None


def _section(line: str) -> str | None:
    heading = line.strip("#*: ").replace("\u2019", "'")
    if len(heading) > MAX_HEADING:
        return None
    return next((field for field, words in _HEADINGS.items() if words.fullmatch(heading)), None)
