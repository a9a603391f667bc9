"""JSON that is not what its place is for: each place of a whole document holds each of these."""

from copy import deepcopy

ODD = (
    None, True, 0, -1, 10**18, 1.5, 1e308, "", "x", "é", "\x00", "data:image/png;base64,é",
    "data:image/png;base64,A", [], [None], [[]], [{}], {}, {"x": {}}, {"type": []},
)  # fmt: skip


def with_odd_values(document):
    """The document again and again, a place of it replaced each time."""
    for path in _places_in(document):
        for odd in ODD:
            yield path, _replaced(document, path, odd)


def _places_in(value, path=()):
    yield path
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from _places_in(member, (*path, name))


def _replaced(document, path, odd):
    if not path:
        return odd
    changed = deepcopy(document)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = odd
    return changed
