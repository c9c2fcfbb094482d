"""A board of the user's own, by one file: the example's."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import OWN_BOARDS, boards_folder, read_board
from firmware_tools.board.schema import BoardFile
from midfuse.cli.main import main
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import need, need_oracle, random_windows
from tests.support.paths import DOCS, ROOT, STUDENT

PAGE = (DOCS / "boards.md").read_text(encoding="utf-8")
MODEL = STUDENT / "student_int8.tflite"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example's board in a folder of the user's, named as the page's commands name it."""
    (name,) = set(re.findall(r"midfuse (?:boards|evaluate \S+ --board) ([\w-]*stm32-\S+)", PAGE))
    shutil.copytree(ROOT / "examples" / "own_board", tmp_path / "boards")
    monkeypatch.setenv(OWN_BOARDS, str(tmp_path / "boards"))
    return str(name)


def test_the_recipe_alone_adds_a_board(recipe: str, tmp_path: Path) -> None:
    need_oracle()
    need(read_board(recipe))
    assert recipe in CliRunner().invoke(main, ["boards", "--json"]).stdout
    shown = CliRunner().invoke(main, ["boards", recipe])
    assert shown.exit_code == 0
    windows = random_windows(read_tflite(MODEL), 3)
    np.savez(tmp_path / "windows.npz", **{str(i): values for i, values in enumerate(windows)})
    command = ["evaluate", str(MODEL), "--board", recipe, "--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(main, [*command, "--inputs", str(tmp_path / "windows.npz")])
    assert answer.exit_code == 0, answer.output
    assert re.search(r"differing bytes\W+0 ", answer.stdout)


def test_what_a_wrong_recipe_says(recipe: str) -> None:
    path = read_board(recipe).folder / "board.toml"
    path.write_text(path.read_text().replace('driver = "stm32"', 'driver = "stm23"'))
    answer = CliRunner().invoke(main, ["build", str(MODEL), "--board", recipe])
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: {path}: uart.driver: no 'stm23'; known: cmsdk, ")


def test_the_page_has_every_board_and_every_key() -> None:
    rows = {row[0].strip("` "): row[1:] for row in _rows(PAGE.partition("\n## ")[0])}
    tools = {"openocd": "OpenOCD", "gdb": "GDB", "pyocd": "pyOCD"}
    for board in (read_board(file.parent.name) for file in boards_folder().glob("*/board.toml")):
        _, _, ram, flash, emulated, flashed = rows[board.name]
        memory = board.memory
        sizes = (_size(memory.ram.bytes), _size(memory.flash.bytes)) if memory else ("", "")
        assert (ram, flash) == sizes
        assert bool(emulated) == (board.emulator is not None)
        assert flashed == ", ".join(tools[entry.backend] for entry in board.flash)
    keys = PAGE.partition("## The keys")[2]
    for key in BoardFile.model_fields:
        assert f"`{key}`" in keys


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count >> 10} KB"
