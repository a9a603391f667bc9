"""Mutants of a module: copies of it that differ from it in one place.

The operators are mutmut's, and three of our own: a statement left out, a branch always or never taken,
and nothing returned. Not mutated is what no rule stands in: annotations, decorators, imports, docstrings, log
lines, sentences for people, and declarations (the bodies of classes outside of their methods).
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodePosition, MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import (
    mutation_operators,
    operator_arg_removal,
    operator_assignment,
    operator_string,
)

# How a mutant ends.
KILLED, SURVIVED, TIMEOUT, UNTRIED = "killed", "survived", "timeout", "untried"

Operator = Callable[[Any], Iterable[cst.CSTNode]]

_NOT_MUTATED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.Assert)
_LOG_LINE = m.Call(func=m.Attribute(value=m.Name("logger")))
_OF_TYPES = m.Call(func=m.Name("cast") | m.Name("TypeVar") | m.Name("ParamSpec"))
_FAILS_AT_ONCE = m.Name("len") | m.Name("isinstance")
_CALL_STATEMENT = m.SimpleStatementLine(body=[m.Expr(value=m.Call() | m.Await())])


@dataclass(frozen=True)
class Mutant:
    """`path` with one change in `lines` (first, last); `function` is the qualified name of the outermost
    function around it, "" for a constant of the module, which is then `constant`."""

    path: str
    function: str
    constant: str
    lines: tuple[int, int]
    source: str
    diff: str

    @property
    def key(self) -> str:
        """The same for as long as the change and its surroundings are."""
        text = "\n".join(line for line in self.diff.splitlines() if not line.startswith("@@"))
        return hashlib.sha256(f"{self.path}\n{self.function}\n{text}".encode()).hexdigest()[:16]


def mutants_of(path: Path, *, root: Path) -> list[Mutant]:
    text = path.read_text()
    wrapper = MetadataWrapper(cst.parse_module(text))
    maker = _Maker(wrapper, path=str(path.relative_to(root)), text=text)
    wrapper.visit(maker)
    # Two operators may make the same change.
    return list({mutant.source: mutant for mutant in maker.mutants}.values())


class _Maker(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self, wrapper: MetadataWrapper, *, path: str, text: str) -> None:
        super().__init__()
        self._path, self._text = path, text
        self._read = _read_in_functions(text)
        lines = text.splitlines(keepends=True)
        self._starts = [0, *accumulate(map(len, lines))]
        self.mutants: list[Mutant] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _NOT_MUTATED) or m.matches(node, _LOG_LINE | _OF_TYPES) or _is_sentence(node):
            return False
        function, constant = self._place_of(node)
        if function or constant:
            for old, new in _changes(node):
                self._add(old, new, function=function, constant=constant)
        return True

    def _place_of(self, node: cst.CSTNode) -> tuple[str, str]:
        """The outermost function around the node, or the module's constant whose value it is part of."""
        above: list[cst.CSTNode] = [node]
        while (parent := self.get_metadata(ParentNodeProvider, above[-1], None)) is not None:
            above.append(parent)
        outwards = list(reversed(above))
        names = []
        for one in outwards:
            if isinstance(one, cst.FunctionDef):
                names.append(one.name.value)
                # Its name, parameters without a default and type are no rule.
                return ("", "") if one is node else (".".join(names), "")
            if isinstance(one, cst.ClassDef):
                names.append(one.name.value)
        if names or len(outwards) < 3:
            return "", ""
        constant = _constant_of(outwards[1])
        return "", constant if constant in self._read else ""

    def _add(self, old: cst.CSTNode, new: cst.CSTNode, *, function: str, constant: str) -> None:
        span = self.get_metadata(PositionProvider, old)
        start, end = self._offset(span.start), self._offset(span.end)
        changed = cst.Module([]).code_for_node(new).strip()
        source = self._text[:start] + changed + self._text[end:]
        if source == self._text or not _compiles(source):
            return
        diff = difflib.unified_diff(self._text.splitlines(), source.splitlines(), n=1, lineterm="")
        text = "\n".join(list(diff)[2:])
        lines = self._lines_around(old) or (span.start.line, span.end.line)
        self.mutants.append(Mutant(self._path, function, constant, lines, source, text))

    def _lines_around(self, node: cst.CSTNode) -> tuple[int, int] | None:
        """Those of the function whose default it is part of, for that has none of its own when it is used."""
        inner, outer = node, self.get_metadata(ParentNodeProvider, node, None)
        while outer is not None:
            if isinstance(inner, cst.Parameters) and isinstance(outer, cst.FunctionDef):
                span = self.get_metadata(PositionProvider, outer)
                return span.start.line, span.end.line
            inner, outer = outer, self.get_metadata(ParentNodeProvider, outer, None)
        return None

    def _offset(self, position: CodePosition) -> int:
        return self._starts[position.line - 1] + position.column


def _changes(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """What is changed, and into what."""
    for kind, operator in mutation_operators:
        if operator is not operator_arg_removal and isinstance(node, kind):
            yield from ((node, changed) for changed in _worth_trying(operator, node))
    if isinstance(node, cst.Call) and not m.matches(node.func, _FAILS_AT_ONCE):
        # mutmut also leaves arguments out, which mostly fails at once whatever the tests are.
        yield from ((arg.value, cst.Name("None")) for arg in node.args if _is_worth_a_none(arg))
    if m.matches(node, _CALL_STATEMENT) and not m.findall(node, _LOG_LINE):
        yield node, cst.Pass()
    elif isinstance(node, cst.If):
        brackets = {"lpar": [cst.LeftParen()], "rpar": [cst.RightParen()]}
        test = node.test.with_changes(**brackets)
        yield node.test, cst.BooleanOperation(test, cst.And(), cst.Name("False"), **brackets)
        yield node.test, cst.BooleanOperation(test, cst.Or(), cst.Name("True"), **brackets)
    elif isinstance(node, cst.Return) and node.value and not m.matches(node.value, m.Name("None")):
        yield (
            node,
            node.with_changes(value=cst.Name("None"), whitespace_after_return=cst.SimpleWhitespace(" ")),
        )


def _worth_trying(operator: Operator, node: Any) -> list[Any]:
    """Without what fails at the next line whatever the tests are, which would only flatter them."""
    changes = list(operator(node))
    if operator is operator_assignment and not m.matches(node.value, m.Name("None")):
        return []
    return changes[:1] if operator is operator_string else changes


def _is_worth_a_none(arg: cst.Arg) -> bool:
    return not (arg.star or m.matches(arg.value, m.Name("None")) or _is_sentence(arg.value))


def _is_sentence(node: cst.CSTNode) -> bool:
    """Text with a space in it is read by people, and a docstring too."""
    if isinstance(node, cst.SimpleString):
        return " " in node.value or node.value.startswith('"""')
    if isinstance(node, cst.FormattedString):
        return any(isinstance(part, cst.FormattedStringText) and " " in part.value for part in node.parts)
    return isinstance(node, cst.ConcatenatedString)


def _constant_of(statement: cst.CSTNode) -> str:
    found = m.extract(
        statement,
        m.SimpleStatementLine(
            body=[
                m.Assign(targets=[m.AssignTarget(target=m.SaveMatchedNode(m.Name(), "name"))])
                | m.AnnAssign(target=m.SaveMatchedNode(m.Name(), "name"))
            ]
        ),
    )
    name = found["name"].value if found else ""  # type: ignore[union-attr]
    return "" if name in {"logger", "__all__"} else name


def _read_in_functions(text: str) -> set[str]:
    """What is read at import only, such as the default of a field, cannot be changed in a running process."""
    functions = (
        one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    statements = (statement for function in functions for statement in function.body)
    nodes = (node for statement in statements for node in ast.walk(statement))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True
