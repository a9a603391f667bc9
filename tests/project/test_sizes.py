"""What the rules say of the size of functions and files, held by counting."""

import ast
import tomllib

from django.conf import settings

MOST_LINES_OF_A_FUNCTION = 45
MOST_LINES_OF_A_FILE = 300
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def sources():
    """The files of the product and of the benchmarks, as (path, text)."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    for package in [*project["tool"]["mypy"]["packages"], "bench"]:
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(settings.BASE_DIR), path.read_text()


def static_files():
    """Style sheets and scripts of ours, as (path, text)."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    for package in project["tool"]["mypy"]["packages"]:
        for kind in ("*.css", "*.js"):
            for path in sorted((settings.BASE_DIR / package).rglob(kind)):
                yield path.relative_to(settings.BASE_DIR), path.read_text()


def length(function):
    """Lines from `def` to the end, without the docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def long_functions(text):
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, _FUNCTIONS))
    return [node.name for node in functions if length(node) > MOST_LINES_OF_A_FUNCTION]


def test_no_function_is_longer_than_the_rules_say():
    too_long = [f"{path}: {name}" for path, text in sources() for name in long_functions(text)]

    assert too_long == []


def test_no_file_is_longer_than_the_rules_say():
    lengths = {path: text.count("\n") for path, text in (*sources(), *static_files())}

    assert len(lengths) > 100
    assert {".css", ".js"} <= {path.suffix for path in lengths}
    assert [str(path) for path, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE] == []


def test_the_docstring_is_not_counted_and_the_rest_is():
    body = "    x = 1\n" * (MOST_LINES_OF_A_FUNCTION - 1)
    docstring = '    """One.\n\n    Two.\n    """\n'

    assert long_functions(f"def fits():\n{docstring}{body}") == []
    assert long_functions(f"async def spills():\n{docstring}{body}    x = 2\n") == ["spills"]
