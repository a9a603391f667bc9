"""Takes out of a page's tree what its reader does not see, and what other people wrote below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_UNSEEN_TAGS = frozenset(
    {
        "script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "canvas", "select",
        "option", "datalist", "textarea", "input", "audio", "video", "map", "math", "title", "base",
        "link", "meta",
    }
)  # fmt: skip
_UNSEEN_CLASSES = frozenset(
    {
        "sr-only", "sr_only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only",
        "screen-reader", "d-none", "hidden", "hide", "is-hidden", "u-hidden", "invisible", "offscreen",
        "off-screen", "element-invisible", "a11y-hidden", "show-for-sr", "assistive-text", "display-none",
        "uk-hidden", "visually-hidden-focusable", "is-invisible", "u-visually-hidden", "show-for-print",
    }
)  # fmt: skip
# "hidden md:block": hidden on phones only.
_SHOWN_AGAIN = re.compile(r"^[\w-]+:(?:block|flex|grid|inline|inline-block|inline-flex|visible|table)$")
_HIDING = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|font-size\s*:\s*0(?:px|em|rem|pt|%)?\s*(?:;|!|$)|(?:left|top|right|text-indent|margin-left)\s*:\s*-\d{3,}"
    r"|clip\s*:\s*rect\(\s*[01](?:px)?[\s,]+[01]|clip-path\s*:\s*inset\(\s*(?:50|100)%|transform\s*:\s*scale\(0"
    r"|(?:max-)?(?:height|width)\s*:\s*[01](?:px)?\s*;[^{}]{0,200}overflow\s*:\s*hidden"
    r"|overflow\s*:\s*hidden\s*;[^{}]{0,200}(?:max-)?(?:height|width)\s*:\s*[01](?:px)?\s*(?:;|$)"
    r"|color\s*:\s*transparent)",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"(?:^|;)\s*color\s*:\s*([^;!]{1,40})", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:^|;)\s*background(?:-color)?\s*:\s*([^;!]{1,60})", re.IGNORECASE)
_WHITE = re.compile(
    r"(?:white|#f[c-f]f[c-f]f[c-f]|#fff|rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5]\s*(?:,[^)]*)?\))",
    re.IGNORECASE,
)
_AT_RULES = re.compile(
    r"@(?:media|supports|container|keyframes|-webkit-keyframes)[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}"
)
_RULE = re.compile(r"([^{}]{1,400})\{([^{}]{1,2000})\}")
_SIMPLE = re.compile(r"(?:[a-z][a-z0-9]*)?([.#][\w-]+)", re.IGNORECASE)
MAX_STYLE_CHARACTERS = 200_000
MAX_CLASS_CHARACTERS = 500

_OTHER_PEOPLES = frozenset({"comment", "comments", "disqus", "respond", "commentlist"})
_OTHER_PEOPLES_TYPES = ("Comment", "UserComments", "Review")


def tokens_of(element: Any) -> set[str]:
    """The words of an element's class and id, as written and in parts ("job-card" is job-card, job, card)."""
    written = f"{element.get('class') or ''} {element.get('id') or ''}"[:MAX_CLASS_CHARACTERS].lower()
    names = set(written.split())
    return names | {part for name in names for part in re.split(r"[-_]+", name)}


def drop(element: Any) -> None:
    """Take the element out; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def drop_unseen(tree: Any) -> None:
    """Take out, in place, scripts and their like, hidden and invisible elements, and readers' comments."""
    rules = _hiding_rules(tree)
    drop_all(tree, lambda element: _is_unseen(element, rules) or is_other_peoples(element))


def drop_all(tree: Any, is_unwanted: Any) -> None:
    """Drop the elements of which that is true, with all that is in them, looking at none twice."""
    unwanted = [element for element in tree.iter() if element is not tree and _says(is_unwanted, element)]
    # Innermost last; a parent that goes takes them along.
    gone: set[Any] = set()
    for element in unwanted:
        if element.getparent() is not None and element.getparent() not in gone:
            drop(element)
            gone.add(element)


def _says(is_unwanted: Any, element: Any) -> bool:
    if not isinstance(element.tag, str):
        return True
    return bool(is_unwanted(element))


def is_other_peoples(element: Any) -> bool:
    """Whether the element holds comments that visitors wrote."""
    if str(element.get("itemtype") or "").rsplit("/", 1)[-1] in _OTHER_PEOPLES_TYPES:
        return True
    return element.tag not in {"body", "html", "main"} and bool(_OTHER_PEOPLES & tokens_of(element))


def _is_unseen(element: Any, rules: frozenset[str]) -> bool:
    if element.tag in _UNSEEN_TAGS:
        return True
    if element.tag in {"html", "body"}:
        return False
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    is_closed = element.tag == "dialog" and element.get("open") is None
    style = (element.get("style") or "")[:2000]
    return is_closed or _has_unseen_class(element, rules) or (bool(style) and _is_styled_away(element, style))


def _has_unseen_class(element: Any, rules: frozenset[str]) -> bool:
    classes = set((element.get("class") or "")[:MAX_CLASS_CHARACTERS].lower().split())
    if classes & _UNSEEN_CLASSES and not any(_SHOWN_AGAIN.match(name) for name in classes):
        return True
    if not rules:
        return False
    return f"#{(element.get('id') or '').lower()}" in rules or any(f".{name}" in rules for name in classes)


def _is_styled_away(element: Any, style: str) -> bool:
    return _hides(style) or _is_white_on_white(element, style)


def _hides(style: str) -> bool:
    return _HIDING.search(style) is not None


def _is_white_on_white(element: Any, style: str) -> bool:
    """Text in the colour of what is behind it: its own background, or the page's white."""
    if not (colour := _COLOUR.search(style)):
        return False
    if own := _BACKGROUND.search(style):
        return own[1].strip().lower() == colour[1].strip().lower()
    if not _WHITE.fullmatch(colour[1].strip()):
        return False
    # A class may give a dark ground; a style alone may not.
    return not any(
        _BACKGROUND.search((ancestor.get("style") or "")[:2000])
        or ancestor.get("class")
        or ancestor.get("bgcolor")
        for ancestor in [element, *_nearest(element, 6)]
        if ancestor.tag not in {"html", "body"}
    )


def _nearest(element: Any, most: int) -> Iterator[Any]:
    for count, ancestor in enumerate(element.iterancestors()):
        if count == most:
            return
        yield ancestor


def _hiding_rules(tree: Any) -> frozenset[str]:
    """The ".class" and "#id" that the page's own style sheets hide."""
    sheets = "".join(str(style.text or "") for style in tree.iter("style"))[:MAX_STYLE_CHARACTERS]
    if "{" not in sheets:
        return frozenset()
    sheets = re.sub(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/", "", sheets)
    found = set()
    for selectors, declarations in _RULE.findall(_AT_RULES.sub("", sheets)):
        if _hides(declarations) or _is_white_rule(declarations):
            for selector in selectors.split(","):
                if match := _SIMPLE.fullmatch(selector.strip()):
                    found.add(match[1].lower())
    return frozenset(found)


def _is_white_rule(declarations: str) -> bool:
    colour, ground = _COLOUR.search(declarations), _BACKGROUND.search(declarations)
    return bool(colour and ground and colour[1].strip().lower() == ground[1].strip().lower())


def text_of(element: Any) -> str:
    """All the text in an element, single spaces."""
    return " ".join("".join(element.itertext()).split())
