"""What goes into flash, how a back end is chosen, and what docs/flash.md says of them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import read_board
from firmware_tools.board.schema import FlashEntry, OpenOcdEntry, PyOcdEntry, Uf2Entry
from firmware_tools.flash import programmer_for
from firmware_tools.flash.payload import read_payload
from firmware_tools.image.image import digest
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.results import Image
from tests.firmware_tools.flash.flash_boards import board_with
from tests.firmware_tools.flash.simulated_chip import elf_at
from tests.support.paths import DOCS

ENTRIES: list[FlashEntry] = [
    PyOcdEntry(backend="pyocd", target="stm32f405rg"),
    OpenOcdEntry(backend="openocd", config=["interface/stlink.cfg", "target/stm32f4x.cfg"]),
    Uf2Entry(backend="uf2", board_id="MPS2", family_id=7),
]
BOARD = board_with(ENTRIES[0]).model_copy(update={"flash": ENTRIES})


def test_the_payload_is_what_objcopy_makes_of_the_image(toy_qemu: Image) -> None:
    payload = read_payload(toy_qemu, BOARD)
    assert toy_qemu.binary is not None
    assert (payload.start, payload.data) == (0, toy_qemu.binary.read_bytes())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (elf_at(0x3FFF00, bytes(0x101)), "4194305 bytes do not fit qemu-mps2-an386's flash"),
        (elf_at(0x1FFF_C000, b"option bytes"), "has bytes for 0x1fffc000, outside"),
        (elf_at(0, b"1234")[:-1], "damaged .cut short."),
        (elf_at(0, b""), "damaged .nothing to load."),
        (elf_at(0, b"1234")[:60], "damaged"),
        (b"\x7fELF\x02\x01" + bytes(100), "not a 32-bit little-endian ELF"),
        (b"", "not a 32-bit"),
    ],
    ids=["too big", "elsewhere", "cut", "empty", "half a header", "64 bits", "nothing"],
)
def test_an_elf_that_is_not_to_be_written(
    toy_qemu: Image, tmp_path: Path, content: bytes, message: str
) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_payload(toy_qemu.model_copy(update={"elf": elf}), BOARD)
    assert str(caught.value).startswith(str(elf))


def test_a_board_without_flash(toy_native: Image) -> None:
    with pytest.raises(InputError, match="native: has no flash"):
        read_payload(toy_native, read_board("native"))


def test_the_first_back_end_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_tools.flash.py_ocd.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    assert programmer_for(BOARD).name == "uf2"
    # None is: the first says what is missing.
    only_tools = BOARD.model_copy(update={"flash": ENTRIES[:2]})
    assert programmer_for(only_tools).name == "pyocd"
    assert programmer_for(BOARD, "gdb").name == "gdb"
    with pytest.raises(InputError, match=r"`backend` uf2: .* has no \[\[flash\]\] of that name"):
        programmer_for(only_tools, "uf2")


@pytest.mark.parametrize("name", ["pyocd", "openocd", "gdb", "uf2"])
def test_a_plan_names_the_image_and_the_probe(toy_qemu: Image, name: str) -> None:
    steps = "\n".join(programmer_for(BOARD, name).plan(read_payload(toy_qemu, BOARD), "PROBE7"))
    assert "PROBE7" in steps
    assert name == "uf2" or str(toy_qemu.elf) in steps


def test_a_dry_run_of_a_real_board_touches_nothing(
    toy_qemu: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    arguments = ["flash", str(toy_qemu.elf), "--board", toy_qemu.board, "--backend", "gdb"]
    answer = CliRunner().invoke(main, [*arguments, "--dry-run", "--json"])
    assert answer.exit_code == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["backend"] == "gdb"
    assert told["capabilities"]["verify"] is True
    assert f"gdb-multiarch {toy_qemu.elf}" in told["steps"]


def test_options_that_contradict(toy_qemu: Image) -> None:
    arguments = ["flash", str(toy_qemu.elf), "--board", toy_qemu.board]
    for options, words in [
        (["--backend", "emulator", "--port", "/dev/tty"], "needs no --port and no --probe"),
        (["--backend", "uf2"], "has no [[flash]] of that name; known: gdb"),
        (["--backend", "gdb"], "--probe is missing; name the board's endpoint"),
    ]:
        answer = CliRunner().invoke(main, [*arguments, *options])
        assert (answer.exit_code, answer.stderr.count("\n")) == (2, 1)
        assert words in answer.stderr


def test_a_changed_image_is_refused_before_anything_is_done(
    toy_qemu: Image, tmp_path: Path
) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(toy_qemu.elf.read_bytes() + b"x")
    (tmp_path / "firmware.json").write_bytes(toy_qemu.elf.with_suffix(".json").read_bytes())
    assert digest(elf) != toy_qemu.image_sha256
    arguments = ["flash", str(elf), "--board", toy_qemu.board, "--backend", "gdb", "--dry-run"]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 2
    assert "not the image that" in answer.stderr


def test_the_page_has_each_back_end_s_capabilities() -> None:
    page = (DOCS / "flash.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \| (\w+) \| ([^|]+?) \|", page, re.M)
    assert [row[0] for row in rows] == ["pyocd", "openocd", "gdb", "uf2"]
    for name, *can, probe in rows:
        found = programmer_for(BOARD, name).capabilities
        said = [each == "yes" for each in can]
        assert found == replace(
            found, erase=said[0], verify=said[1], identify=said[2], reset=said[3], probe=probe
        )
