"""Images: reproducible, measured from the linked file, refused in one line."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import RUNTIME, read_board
from firmware_tools.image.elf import NO_IMAGE_ID
from firmware_tools.image.image import read_image
from firmware_tools.runtimes.midfuse import build_firmware
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.results import Image
from midfuse.core.tflite_file import read_tflite
from tests.support.paths import DATA

MODEL = DATA / "cnn_har_int8.tflite"
BOARD = read_board("qemu-mps2-an386")

needs_cross_compiler = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)


def build_into(out: Path, board: str) -> dict[str, bytes]:
    build_firmware(read_tflite(MODEL), read_board(board), out)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.mark.parametrize("board", ["native", pytest.param(BOARD.name, marks=needs_cross_compiler)])
def test_the_same_input_gives_the_same_bytes(
    board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_into(tmp_path / "a", board)
    elsewhere = tmp_path / "another folder"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setattr("tempfile.tempdir", None)
    second = build_into(elsewhere / "b", board)
    assert first == second
    assert not any(str(tmp_path).encode() in content for content in first.values())


@pytest.mark.parametrize("board", ["native", pytest.param(BOARD.name, marks=needs_cross_compiler)])
def test_images_that_differ_have_different_ids(board: str, tmp_path: Path) -> None:
    """One model; the id is in what is written to the board, and says what else differs."""
    model = read_tflite(MODEL)
    plain = build_firmware(model, read_board(board), tmp_path / "plain")
    observable = build_firmware(model, read_board(board), tmp_path / "obs", observable=True)
    assert plain.model_sha256 == observable.model_sha256
    assert plain.image_id != observable.image_id
    for image in (plain, observable):
        written = (image.binary or image.elf).read_bytes()
        assert written.count(bytes.fromhex(image.image_id)) == 1
        assert NO_IMAGE_ID not in written


def test_figures_are_those_of_the_linked_image(toy_qemu: Image) -> None:
    """Counted again from the symbols: .bss is what lies between them, flash what ends in them."""
    listing = subprocess.run(
        ["arm-none-eabi-nm", str(toy_qemu.elf)], capture_output=True, text=True, check=True
    ).stdout
    at = {words[2]: int(words[0], 16) for line in listing.splitlines() if (words := line.split())}
    data = at["__data_end"] - at["__data_start"]
    bss = at["__bss_end"] - at["__bss_start"]
    boots = 8
    assert toy_qemu.static_ram_bytes == data + bss + boots
    assert toy_qemu.flash_bytes == at["__data_load"] + data
    assert at["__stack_top"] - at["__stack_limit"] == toy_qemu.stack_reserved_bytes
    assert bss > 6 + 700 + 700 + 5
    assert toy_qemu.binary is not None
    assert toy_qemu.flash_bytes == toy_qemu.binary.stat().st_size


@needs_cross_compiler
def test_the_parts_of_flash_are_what_the_symbols_say(tmp_path: Path) -> None:
    """Counted again from the symbols: tables by their name, kernels by theirs."""
    image = build_firmware(read_tflite(MODEL), BOARD, tmp_path)
    assert image.flash_parts is not None
    assert image.flash_bytes == sum(image.flash_parts.values())
    assert image.flash_parts["constants"] == image.constant_bytes
    assert 0 <= image.flash_parts["alignment"] < 128
    listing = subprocess.run(
        ["arm-none-eabi-nm", "-S", str(image.elf)], capture_output=True, text=True, check=True
    ).stdout
    sizes = {w[3]: int(w[1], 16) for line in listing.splitlines() if len(w := line.split()) == 4}
    named = {path.stem for path in RUNTIME.rglob("*.c")}  # a file is named after its function
    kernels = sum(size for name, size in sizes.items() if name in named)
    assert 1000 < kernels <= image.flash_parts["kernels"]
    server = sum(size for name, size in sizes.items() if name.startswith(("mf_server", "mf_frame")))
    assert 500 < server <= image.flash_parts["firmware"]


def test_an_image_is_read_back_and_a_changed_one_refused(toy_qemu: Image, tmp_path: Path) -> None:
    assert read_image(toy_qemu.elf, BOARD) == toy_qemu
    with pytest.raises(InputError, match="built for qemu-mps2-an386, not native"):
        read_image(toy_qemu.elf, read_board("native"))
    for path in toy_qemu.files:
        shutil.copy(path, tmp_path)
    copied = tmp_path / toy_qemu.elf.name
    copied.write_bytes(copied.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"not the image that .* describes"):
        read_image(copied, BOARD)
    (tmp_path / "firmware.json").write_text('{"schema_version": 1}')
    with pytest.raises(InputError, match="schema_version"):
        read_image(copied, BOARD)


@pytest.mark.parametrize("command", ["build", "evaluate"])
def test_a_missing_compiler_is_one_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = tmp_path / "inputs.npz"
    programs = tmp_path / "bin"
    programs.mkdir()
    if qemu := shutil.which("qemu-system-arm"):
        (programs / "qemu-system-arm").symlink_to(qemu)
    elif command == "evaluate":
        pytest.skip("qemu-system-arm, whose absence is told first, is not installed")
    monkeypatch.setenv("PATH", str(programs))
    out = tmp_path / "out"
    arguments = [command, str(MODEL), "--board", BOARD.name, "--out", str(out)]
    if command == "evaluate":
        model = read_tflite(MODEL)
        np.savez(inputs, **{"0": np.zeros((1, *model.tensors[model.inputs[0]].shape), np.int8)})
        arguments += ["--inputs", str(inputs)]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 3
    assert answer.stderr == (
        "error: arm-none-eabi-gcc, which builds for qemu-mps2-an386, is not installed; install"
        " what Debian calls gcc-arm-none-eabi libnewlib-arm-none-eabi, with this system's package"
        " manager\n"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:4000], "truncated or damaged"),
        (lambda content: b"\0" * 100, "not a TFLite file"),
    ],
    ids=["truncated", "not TFLite"],
)
def test_a_damaged_model_is_one_line(damage: object, message: str, tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    assert callable(damage)
    model.write_bytes(damage(MODEL.read_bytes()))
    out = tmp_path / "out"
    arguments = ["build", str(model), "--board", "native", "--out", str(out)]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: {model}: {message}")
    assert answer.stderr.count("\n") == 1
    assert not out.exists()


def test_the_command_writes_and_reports(tmp_path: Path) -> None:
    arguments = ["build", str(MODEL), "--board", "native", "--out", str(tmp_path), "--json"]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 0
    figures = json.loads(answer.stdout)
    assert figures["model_sha256"] == read_tflite(MODEL).sha256
    assert figures["arena_bytes"] > 0
    assert figures["flash_bytes"] is None
    assert {path.name for path in tmp_path.iterdir()} == {"firmware.elf", "firmware.json"}


def test_an_out_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    arguments = ["build", str(MODEL), "--board", "native", "--out", str(tmp_path / "file")]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 2
    assert "cannot be written" in answer.stderr
