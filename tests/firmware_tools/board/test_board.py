"""Board files: what is right is read, what is wrong is named by file and key."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import (
    FIRMWARE,
    OWN_BOARDS,
    board_names,
    boards_folder,
    read_board,
    read_board_file,
)
from firmware_tools.board.schema import pin_numbers
from firmware_tools.board.toolchain import target_macros
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from tests.support.paths import ROOT


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
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
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
    ("old", "new", "told"),
    [
        ("clock_hz = 168_000_000", "clock_hz = -1", "clock_hz: Input should be greater"),
        ("clock_hz = 168_000_000", "", "clock_hz: missing; add the key"),
        ("stack_bytes = 4096", "stack_bytes = 4095", "memory.stack_bytes: "),
        (
            "stack_bytes = 4096",
            "stack_byte = 4096\nstack_bytes = 4096",
            "memory.stack_byte: no such key; did you mean stack_bytes?",
        ),
        ("stack_bytes = 4096", "stack_bytes = 131072", "memory: stack_bytes takes all of ram"),
        ("[uart]", "wings = 2\n[uart]", "ticks.wings: no such key; leave it out"),
        ("0x0800_0000", "0x0800_0010", "memory.flash.start: Input should be a multiple of 256"),
        ("start = 0x0800_0000", "start = 0x1FFF_0000", "memory: flash and ram overlap"),
        ("bytes = 0x2_0000", "bytes = 0xF000_0000", "memory: a region ends behind the 32-bit"),
        ('kind = "qemu"', 'kind = "telepathy"', "emulator.kind: no 'telepathy'; known: 'qemu', "),
        ('backend = "gdb"', 'backend = "gdp"', "flash.1.backend: no 'gdp'; known: 'pyocd', "),
        ('program = "qemu', 'programme = "qemu', "emulator.qemu.program: missing"),
        ('features = ["fpu", "dsp"]', 'features = ["npu"]', "features.0: no 'npu'; known: 'fpu', "),
        ("baud = 115200", 'baud = "fast"', "uart.baud: "),
        ('driver = "stm32"', 'driver = "usart"', "uart.driver: no 'usart'; known: cmsdk, "),
        ('driver = "stm32"', 'driver = "../stm32"', "uart.driver: '../stm32' is not a name of "),
        (
            'source = "systick"',
            'source = "sundial"',
            "ticks.source: no 'sundial'; known: minstret,",
        ),
        ('tx = "PC6"', 'tx = "6"', "uart.tx: '6' is not a pin, such as PA2, P0.24 or GPIO17"),
        ("https://", "", "page: 'www.wildernesslabs.co' is not a URL"),
        ("dtr_rts = ", 'usb = ["0483-374B"]\ndtr_rts = ', "connection.usb.0: '0483-374B' is not v"),
        ("arm/nvic.c", "arm/nvic2.c", "arm/nvic2.c: no such file"),
        ("[uart]", "[uart", "not TOML"),
    ],
)
def test_a_wrong_file_names_the_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (boards_folder() / "netduinoplus2" / "board.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "board.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_board_file(path)
    assert str(caught.value).startswith(f"{path}: {told}")
    assert "\n" not in str(caught.value)


def test_a_board_that_nothing_can_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    text = (boards_folder() / "qemu-mps2-an386" / "board.toml").read_text(encoding="utf-8")
    path.write_text(text.partition("[emulator]")[0], encoding="utf-8")
    with pytest.raises(InputError, match=r"add \[emulator\] or \[\[flash\]\]"):
        read_board_file(path)
    path.write_text(text + '[[flash]]\nbackend = "gdb"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"\[\[flash\]\] needs \[memory\] and \[connection\]"):
        read_board_file(path)


@pytest.mark.parametrize("name", board_names())
def test_features_are_what_the_compiler_builds_for(name: str) -> None:
    board = read_board(name)
    if shutil.which(board.toolchain.program("gcc")) is None:
        pytest.skip(f"{board.toolchain.program('gcc')} is not installed")
    macros = target_macros(board)
    means = {"fpu": "__ARM_FP", "dsp": "__ARM_FEATURE_DSP", "mve": "__ARM_FEATURE_MVE"}
    assert board.features == [feature for feature, macro in means.items() if macro in macros]


def test_pins_have_numbers() -> None:
    numbers = {"PA2": (0, 2), "PB10": (1, 10), "P0.24": (0, 24), "P1.03": (1, 3), "GPIO17": (0, 17)}
    assert {pin: pin_numbers(pin) for pin in numbers} == numbers


def test_own_boards_that_cannot_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWN_BOARDS, str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"MIDFUSE_BOARDS: \S+none is no folder"):
        board_names()
    shutil.copytree(boards_folder() / "microbit", tmp_path / "microbit")
    monkeypatch.setenv(OWN_BOARDS, str(tmp_path))
    with pytest.raises(InputError, match="Midfuse has a board 'microbit' already; give its folder"):
        board_names()
    (tmp_path / "microbit").rename(tmp_path / "mine")
    assert {"mine", "microbit"} <= set(board_names())
    assert read_board("mine").folder == tmp_path / "mine"


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
