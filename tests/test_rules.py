"""Rules of the code that no linter has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

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


def test_errors_of_the_library_name_parameters_not_options() -> None:
    """A Python user has no `--out`; a command adds the option's name to the parameter's."""
    found = {}
    for path in SOURCES:
        if any(part in _COMMAND_LINES for part in path.relative_to(ROOT).parts):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) or _is_error(node)]
        if texts := [text for node in raised for text in _texts(node) if "--" in text]:
            found[_named(path)] = texts
    assert found == {}


def test_no_function_is_long() -> None:
    found = {
        f"{_named(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in found.items() if lines >= _LONGEST_FUNCTION} == {}


# What writes into a pipe, a drive, or a scratch folder from which whole files are taken.
_SCRATCH = (
    "midfuse/core/files.py",
    "midfuse/core/ops_page.py",
    "midfuse/core/schemas.py",
    "midfuse/workflows/calls.py",
    "midfuse/workflows/study/report.py",
    "converter/guard.py",
    "converter/lowering/onnx_to_tflite.py",
    "converter/pipeline.py",
    "firmware_tools/compiler/__init__.py",
    "firmware_tools/export/source_folder.py",
    "firmware_tools/flash/uf2.py",
    "firmware_tools/image/elf.py",
    "firmware_tools/image/linking.py",
    "firmware_tools/image/memory_page.py",
    "firmware_tools/runtimes/tflm/generate.py",
)


def test_results_are_written_in_one_way() -> None:
    """Through `midfuse.core.files`: whole or not at all."""
    writing = re.compile(r"\.write_text\(|\.write_bytes\(|np\.savez|\.open\(\"w|open\([^)]*\"wb?\"")
    found = [_named(path) for path in SOURCES if writing.search(path.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(_SCRATCH)
