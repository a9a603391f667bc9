"""Finds the things that a page describes as data: JSON-LD, microdata and RDFa, as one kind of object.

Blocks inside other people's comments are not the page's own word and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import lxml.html

from extraction.structured.jsontext import read_json
from extraction.visible.hidden import drop_all, is_other_peoples
from extraction.visible.lines import lines_of

Node = dict[str, Any]

# Bounds on what a hostile page can make us walk.
MAX_NODES = 20_000
MAX_SCRIPTS = 200
MAX_DEPTH = 12
MAX_VALUE = 60_000


@dataclass(frozen=True, slots=True)
class Items:
    """JobPosting objects with where they came from, and every object that has an @id."""

    postings: list[tuple[Node, str]] = field(default_factory=list)
    index: dict[str, Node] = field(default_factory=dict)


def find_items(tree: lxml.html.HtmlElement) -> Items:
    """Every JobPosting in the page's data. Blocks that cannot be read are skipped."""
    own: Any = tree
    if tree.xpath("//template") or any(is_other_peoples(e) for e in tree.iter() if isinstance(e.tag, str)):
        own = deepcopy(tree)
        drop_all(own, lambda element: element.tag == "template" or is_other_peoples(element))
    blocks = [read_json(str(script.text_content())) for script in _scripts(own)]
    items = items_of_json(blocks)
    if own.xpath('//*[contains(@itemtype, "JobPosting")]'):
        items.postings.extend((node, "microdata") for node in _marked_up(own, _MICRODATA))
    if own.xpath('//*[contains(@typeof, "JobPosting")]'):
        items.postings.extend((node, "rdfa") for node in _marked_up(own, _RDFA))
    return items


def items_of_json(value: Any) -> Items:
    """The same of a JSON-LD document."""
    nodes = list(nodes_of(value))
    index = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    return Items([(node, "json-ld") for node in nodes if is_posting(node.get("@type"))], index)


def _scripts(tree: Any) -> Iterator[Any]:
    for count, script in enumerate(tree.iter("script")):
        kind = str(script.get("type", "")).strip().lower()
        if count < MAX_SCRIPTS and re.match(r"application/(?:ld\+json|json\+ld)", kind):
            yield script


def nodes_of(value: Any) -> Iterator[Node]:
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


def is_posting(kind: Any) -> bool:
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(k, str) and re.split(r"[/:#]", k.strip())[-1] == "JobPosting" for k in kinds)


@dataclass(frozen=True, slots=True)
class _Syntax:
    """The attributes in which a syntax says what a thing is, and what a value is of."""

    kind: str
    name: str


_MICRODATA, _RDFA = _Syntax("itemtype", "itemprop"), _Syntax("typeof", "property")


def _marked_up(tree: Any, syntax: _Syntax) -> list[Node]:
    found = []
    for element in tree.iter():
        if isinstance(element.tag, str) and is_posting((element.get(syntax.kind) or "").split()):
            found.append(_thing(element, syntax, 0))
    return found[:50]


def _thing(element: Any, syntax: _Syntax, depth: int) -> Node:
    kind = (element.get(syntax.kind) or "Thing").split()
    node: Node = {"@type": re.split(r"[/:#]", kind[0])[-1] if kind else "Thing"}
    if identity := element.get("itemid") or (element.get("resource") if syntax is _RDFA else None):
        node["@id"] = identity
    pending = list(reversed(_with_references(element, syntax)))
    seen = 0
    while pending and seen < MAX_NODES:
        child = pending.pop()
        seen += 1
        if not isinstance(child.tag, str):
            continue
        names = [re.split(r"[/:#]", name)[-1] for name in (child.get(syntax.name) or "").split()]
        is_thing = _is_thing(child, syntax)
        if names and depth < MAX_DEPTH:
            value = _thing(child, syntax, depth + 1) if is_thing else _value(child)
            for name in names:
                node.setdefault(name, []).append(value)
        if not is_thing:
            pending.extend(reversed(child))
    return node


def _is_thing(element: Any, syntax: _Syntax) -> bool:
    return element.get("itemscope") is not None if syntax is _MICRODATA else element.get("typeof") is not None


def _with_references(element: Any, syntax: _Syntax) -> list[Any]:
    children = list(element)
    if syntax is _MICRODATA and (references := element.get("itemref")):
        root = element.getroottree()
        for identity in references.split()[:20]:
            children += [found for found in root.xpath("//*[@id=$id]", id=identity) if found is not element][
                :1
            ]
    return children


def _value(element: Any) -> str:
    for attribute in ("content", "datetime"):
        if (written := element.get(attribute)) is not None:
            return str(written)[:MAX_VALUE]
    if element.tag in {"a", "link", "area"} and element.get("href"):
        text = " ".join(element.text_content().split())
        return str(element.get("href")) if element.tag == "link" or not text else _linked(element, text)
    if element.tag in {"img", "iframe", "source"}:
        return str(element.get("src") or "")
    if element.tag in {"data", "meter"} and element.get("value"):
        return str(element.get("value"))
    return "\n".join(lines_of(_alone(element)))[:MAX_VALUE]


def _linked(element: Any, text: str) -> str:
    """A link's address where the property is one, else its words."""
    name = element.get("itemprop") or element.get("property") or ""
    return (
        str(element.get("href")) if re.search(r"(?i)url|sameas|employmenttype|locationtype", name) else text
    )


def _alone(element: Any) -> Any:
    copy = deepcopy(element)
    copy.tail = None
    drop_all(copy, lambda inner: inner.tag in {"script", "style", "template"})
    return copy
