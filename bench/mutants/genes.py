"""Make a running process a mutant: give living functions the code that they have in the changed source.

Nothing is imported anew, so whoever holds a function already runs the mutant too.
"""

from __future__ import annotations

import ast
import functools
import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

from bench.mutants.making import Mutant

_CACHED = type(functools.lru_cache(lambda: None))


class Genes:
    """The living functions of the files at `paths`, which are told relative to the working directory."""

    def __init__(self, paths: set[str]) -> None:
        here = str(Path.cwd())
        files = {str(Path(path).resolve()) for path in paths}
        self._functions: dict[tuple[str, int], list[FunctionType]] = defaultdict(list)
        self._caches = []
        # What is frozen, as by the suite, is not told of.
        gc.unfreeze()
        for one in gc.get_objects():
            if type(one) is FunctionType and one.__code__.co_filename in files:
                place = f"{one.__code__.co_filename}:{one.__code__.co_qualname}"
                self._functions[place, one.__code__.co_firstlineno].append(one)
            elif type(one) is _CACHED:
                code = getattr(one.__wrapped__, "__code__", None)
                if code and code.co_filename.startswith(here) and "site-packages" not in code.co_filename:
                    self._caches.append(one)

    def take_in(self, mutant: Mutant) -> bool:
        """Whether this process runs the mutant from now on."""
        for cache in self._caches:
            cache.cache_clear()
        if mutant.constant:
            return _take_in_constant(mutant)
        path = str(Path(mutant.path).resolve())
        taken = False
        for code in _codes_in(compile(mutant.source, path, "exec", dont_inherit=True)):
            if code.co_qualname == mutant.function:
                for function in self._functions.get((f"{path}:{mutant.function}", code.co_firstlineno), ()):
                    taken = _give(function, code, mutant) or taken
        return taken


def lines_with(mutant: Mutant) -> list[int]:
    """The lines of the module that speak of the constant; where none does, all of them."""
    tree = ast.parse(mutant.source)
    named = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == mutant.constant and isinstance(node.ctx, ast.Load)
    ]
    return named or list(range(1, mutant.source.count("\n") + 1))


def _give(function: FunctionType, code: CodeType, mutant: Mutant) -> bool:
    if function.__code__ == code:
        return _give_defaults(function, mutant)
    if function.__code__.co_freevars != code.co_freevars:
        return False
    function.__code__ = code
    return True


def _give_defaults(function: FunctionType, mutant: Mutant) -> bool:
    name = mutant.function.rpartition(".")[2]
    for node in ast.walk(ast.parse(mutant.source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first == function.__code__.co_firstlineno:
                values = function.__globals__
                function.__defaults__ = tuple(_value(one, values) for one in node.args.defaults) or None
                keywords = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                function.__kwdefaults__ = {one.arg: _value(it, values) for one, it in keywords if it} or None
                return True
    return False


def _take_in_constant(mutant: Mutant) -> bool:
    """Also for whoever imported it by name. What was worked out from it at import stays as it was."""
    module = next(
        one
        for one in list(sys.modules.values())
        if getattr(one, "__file__", None) == str(Path(mutant.path).resolve())
    )
    old = getattr(module, mutant.constant)
    for node in ast.parse(mutant.source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == mutant.constant for one in targets):
                new = _value(node.value, vars(module))
    for one in list(sys.modules.values()):
        if getattr(one, "__dict__", {}).get(mutant.constant) is old:
            setattr(one, mutant.constant, new)
    return True


def _value(node: ast.expr, names: dict[str, object]) -> object:
    return eval(compile(ast.Expression(node), "default", "eval"), names)


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes_in(one)
