"""No kernel that a model does not use is in its image: the linker's map against the calls."""

import re
import subprocess
from pathlib import Path

import pytest

from firmware_tools.board.registry import RUNTIME, read_board
from firmware_tools.runtimes.midfuse import build_firmware
from midfuse.core.results import Image
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import MODELS, need
from tests.support.paths import DATA

KERNEL_FILES = {path.stem for path in RUNTIME.rglob("*.c")}
_PLACED = re.compile(r"^ \.text\.(\w+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \d+_(\w+)\.o$", re.MULTILINE)
_FUNCTION = re.compile(r"^([0-9a-f]+) <(\w+)>:\n((?:.+\n)+)", re.MULTILINE)


def linked_functions(image: Image) -> dict[str, str]:
    """The runtime's functions that the linker placed, and the file of each; none that it dropped,
    which the map lists before."""
    placed = image.elf.with_suffix(".map").read_text().partition("Linker script and memory map")[2]
    return {
        name: file for name, size, file in _PLACED.findall(placed)
        if file in KERNEL_FILES and int(size, 16)
    }  # fmt: skip


def calls(image: Image) -> dict[str, set[str]]:
    """What each function of the image branches to, or holds the address of."""
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(image.elf)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    functions = _FUNCTION.findall(listing)
    # An address of Thumb code is odd.
    names = {int(address, 16) + 1: name for address, name, _ in functions}
    return {
        name: {
            *re.findall(r"\bb\S*\s+.*<(\w+)>", body),
            *(names.get(int(word, 16), "") for word in re.findall(r"\.word\s+0x(\w+)", body)),
        }
        for _, name, body in functions
    }


@pytest.mark.parametrize("board", ["qemu-mps2-an385", "qemu-mps2-an386", "qemu-mps3-an547"])
@pytest.mark.parametrize("model", MODELS)
def test_every_kernel_in_an_image_is_called(model: str, board: str, tmp_path: Path) -> None:
    image = build_firmware(read_tflite(DATA / f"{model}.tflite"), need(read_board(board)), tmp_path)
    linked, called = linked_functions(image), calls(image)
    steps = [name for name in called if re.fullmatch(r"step_\d+", name)]
    assert len(steps) == len(image.steps)
    reached, new = set(steps), set(steps)
    while new:
        new = {callee for name in new for callee in called.get(name, ())} - reached
        reached |= new
    assert len(linked) >= 5
    assert set(linked) - reached == set()
    # Each file that was compiled for the image has such a function in it.
    loaded = re.findall(r"^LOAD \d+_(\w+)\.o$", image.elf.with_suffix(".map").read_text(), re.M)
    assert set(loaded) & KERNEL_FILES == set(linked.values())
