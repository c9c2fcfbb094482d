"""Board files: what is right is read, what is wrong is named by file and key."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware_tools.board import FIRMWARE, board_names, boards_folder, read_board, read_board_file
from midfuse.cli import main
from midfuse.errors import InputError


def test_every_board_is_read_and_its_sources_exist() -> None:
    assert {"native", "qemu-mps2-an386"} <= set(board_names())
    for name in board_names():
        board = read_board(name)
        assert board.name == name
        for source in board.firmware.sources:
            assert board.source(source).is_file()
        for folder in board.firmware.includes:
            assert board.source(folder).is_dir()


def test_make_installs_what_the_boards_need() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    listed = makefile.partition("\nPACKAGES := ")[2].partition("\n\n")[0].split()
    for board in map(read_board, board_names()):
        needed = board.toolchain.packages.split()
        needed += getattr(board.emulator, "packages", "").split()
        assert set(needed) <= set(listed), board.name


def test_a_board_s_own_source_comes_before_the_common_one(tmp_path: Path) -> None:
    (tmp_path / "main.c").touch()
    board = read_board("native").model_copy(update={"folder": tmp_path})
    assert board.source("main.c") == tmp_path / "main.c"
    assert board.source("server.c") == FIRMWARE / "server.c"
    with pytest.raises(InputError, match=r"board\.toml: none\.c: no such file"):
        board.source("none.c")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("clock_hz = 25_000_000", "clock_hz = -1", "clock_hz"),
        ("clock_hz = 25_000_000", "", "clock_hz"),
        ("stack_bytes = 4096", "stack_bytes = 4095", "memory.stack_bytes"),
        ("stack_bytes = 4096", "stack_byte = 4096", "memory.stack_byte"),
        ('kind = "qemu"', 'kind = "telepathy"', "emulator.kind: no 'telepathy'"),
        ('program = "qemu', 'programme = "qemu', "emulator.qemu.program"),
        ("baud = 115200", 'baud = "fast"', "uart.baud"),
        ("[uart]", "[uart", "not TOML"),
    ],
)
def test_a_wrong_file_names_the_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    text = (boards_folder() / "qemu-mps2-an386" / "board.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "board.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_board_file(path)
    assert caught.value.problem.startswith(f"{path}: {key}")
    assert "\n" not in str(caught.value)


def test_the_command_lists_and_shows() -> None:
    listed = CliRunner().invoke(main, ["boards", "--json"])
    assert [board["name"] for board in json.loads(listed.output)["boards"]] == board_names()
    shown = json.loads(CliRunner().invoke(main, ["boards", "native", "--json"]).output)
    assert shown["ticks"]["per_second"] == 1_000_000_000
    for name in board_names():
        assert name in CliRunner().invoke(main, ["boards"]).output
        assert CliRunner().invoke(main, ["boards", name]).exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["boards", "qemu-mps2-386"], ["build", "m.tflite", "--board", "qemu-mps2-386"]]
)
def test_an_unknown_board_is_one_line_with_near_names(arguments: list[str]) -> None:
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 2
    assert answer.stderr == (
        "error: no board 'qemu-mps2-386'; near names:"
        " qemu-mps2-an386, qemu-mps2-an385, qemu-mps2-an385-m0\n"
    )


def test_what_a_board_needs_and_this_machine_lacks_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    shown = json.loads(CliRunner().invoke(main, ["boards", "qemu-mps2-an386", "--json"]).output)
    assert [line.split()[0] for line in shown["missing"]] == [
        "arm-none-eabi-gcc,",
        "qemu-system-arm,",
    ]
