"""schema.org JobPosting as a page states it itself, in JSON-LD or microdata: exact, free, and deaf to
instructions in the prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import lxml.html

from extraction.jobposting import Node, convert
from extraction.schema import JobData

Origin = Literal["json-ld", "microdata"]

# Bounds on what a hostile page can make us walk.
MAX_SCRIPT_CHARACTERS = 1_000_000
MAX_NODES = 20_000

_COMMENT_WRAPPERS = re.compile(
    r"^\s*(?://\s*)?(?:<!--|<!\[CDATA\[|/\*<!\[CDATA\[\*/)|"
    r"(?://\s*)?(?:-->|\]\]>|/\*\]\]>\*/)\s*;?\s*$"
)


@dataclass(frozen=True, slots=True)
class StructuredPosting:
    """A posting found in the markup. `unreadable` names the fields whose value was there but made no sense;
    `others` counts further postings on the page."""

    data: JobData
    origin: Origin
    unreadable: tuple[str, ...]
    others: int = 0

    @property
    def is_valid(self) -> bool:
        """Enough to need no model: a title, and an employer or a description."""
        return bool(self.data.title and (self.data.hiring_organization or self.data.description))

    @property
    def completeness(self) -> int:
        return len(self.data.model_dump(exclude_defaults=True))


def find_posting(tree: lxml.html.HtmlElement, *, url: str) -> StructuredPosting | None:
    """The page's posting: a valid one before others, the one that names this page's address, then the most
    complete; JSON-LD where they tie. None when the page has none. Malformed blocks are skipped."""
    found = [_posting(node, index, "json-ld") for node, index in _json_ld(tree)]
    found += [_posting(node, {}, "microdata") for node in _microdata(tree, url)]
    if not found:
        return None
    best = max(found, key=lambda posting: (posting.is_valid, _names(posting, url), posting.completeness))
    others = len({posting.data.title for posting in found} - {best.data.title})
    return StructuredPosting(best.data, best.origin, best.unreadable, others)


def _posting(node: Node, index: dict[str, Node], origin: Origin) -> StructuredPosting:
    data, unreadable = convert(node, index)
    return StructuredPosting(data, origin, unreadable)


def _names(posting: StructuredPosting, url: str) -> bool:
    return posting.data.url is not None and posting.data.url.rstrip("/") == url.rstrip("/")


def _json_ld(tree: lxml.html.HtmlElement) -> Iterator[tuple[Node, dict[str, Node]]]:
    """Each JobPosting in each script, with the nodes that its script gives an @id."""
    for script in tree.iter("script"):
        if not str(script.get("type", "")).strip().lower().startswith("application/ld+json"):
            continue
        nodes = list(_nodes(_parse(script.text_content())))
        index = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
        yield from ((node, index) for node in nodes if _is_posting(node.get("@type")))


def _parse(script: str) -> Any:
    """The script's value, or None. Forgives control characters in strings and comment wrappers."""
    if len(script) > MAX_SCRIPT_CHARACTERS:
        return None
    for candidate in (script, _COMMENT_WRAPPERS.sub("", script).strip().rstrip(";")):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _nodes(value: Any) -> Iterator[Node]:
    """Every object in a JSON value, outermost first, without recursion (the page decides the depth)."""
    pending, seen = [value], 0
    while pending and seen < MAX_NODES:
        current = pending.pop()
        seen += 1
        if isinstance(current, dict):
            yield current
            pending.extend(reversed(list(current.values())))
        elif isinstance(current, list):
            pending.extend(reversed(current))


def _microdata(tree: lxml.html.HtmlElement, url: str) -> list[Node]:
    if not tree.xpath('//*[@itemscope and contains(@itemtype, "JobPosting")]'):
        return []
    # A second of imports that few pages need.
    from extruct.w3cmicrodata import MicrodataExtractor

    extractor: Any = MicrodataExtractor
    try:
        items = list(extractor().extract_items(tree, base_url=url))
    except (ValueError, TypeError, KeyError, RecursionError, AssertionError):
        # Its only contract is well-formed markup; a page that breaks it is read as prose.
        return []
    return [node for item in items for node in _nodes(_as_json_ld(item)) if _is_posting(node.get("@type"))]


def _as_json_ld(item: Any) -> Any:
    """extruct's {"type", "properties"} as JSON-LD's flat object."""
    if isinstance(item, list):
        return [_as_json_ld(entry) for entry in item]
    if isinstance(item, dict) and "properties" in item:
        flat = {name: _as_json_ld(value) for name, value in item["properties"].items()}
        return {"@type": item.get("type"), **flat}
    return item


def _is_posting(kind: Any) -> bool:
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(k, str) and re.split(r"[/:#]", k)[-1] == "JobPosting" for k in kinds)
