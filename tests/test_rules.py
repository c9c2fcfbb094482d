"""Rules of the code that no linter has."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ROOMS = ("midfuse", "trainer", "converter", "firmware_tools")
# Where options are at home: click's commands, and the options of pytest.
_COMMAND_LINES = ("commands", "cli", "plugin.py")
_LONGEST_FUNCTION = 80

SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _is_error(node: ast.AST) -> bool:
    """A call that makes an error, raised or returned."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.endswith(("Error", "Failed", "Interrupted")) or name in ("kind", "error")


@pytest.mark.parametrize("path", SOURCES, ids=_named)
def test_errors_of_the_library_name_parameters_not_options(path: Path) -> None:
    """A Python user has no `--out`; a command adds the option's name to the parameter's."""
    if any(part in _COMMAND_LINES for part in path.relative_to(ROOT).parts):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) or _is_error(node)]
    assert [text for node in raised for text in _texts(node) if "--" in text] == []


@pytest.mark.parametrize("path", SOURCES, ids=_named)
def test_no_function_is_long(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: n for name, n in lengths.items() if n >= _LONGEST_FUNCTION} == {}
