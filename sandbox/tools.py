"""Tools as the sandbox uses them: the first that is offered, or the one that is asked for, once after each
question; then it answers with what came of it."""

from collections.abc import Iterable

from sandbox.wire import Json

Chosen = tuple[Json | None, str]


def chosen(
    tools: Iterable[tuple[str, Json]], *, forced: str = "", may_call: bool, has_outcome: bool
) -> Chosen:
    """The schema and the name of the tool to call; (None, "") when the answer is to be text. `tools` are
    names and schemas of parameters; a forced one is called whatever was said before."""
    for name, schema in tools:
        if name == forced or (not forced and may_call and not has_outcome):
            return schema or {"type": "object", "properties": {}}, name
    return None, ""
