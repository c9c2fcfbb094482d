"""Models that are too large: refused before a compiler runs, or by a limit of the user's."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import Board, read_board
from firmware_tools.board.schema import Region
from firmware_tools.board.toolchain import instruction_set
from firmware_tools.compiler import compile_model
from firmware_tools.compiler.variants import InstructionSet
from firmware_tools.image.limits import check_fit, parse_bytes
from firmware_tools.image.memory import memory_use
from firmware_tools.runtimes.midfuse import build_firmware
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.results import MemoryUse
from midfuse.core.tflite_file import read_tflite
from tests.support.paths import DATA

pytest.importorskip("tflite_micro", reason="the schema to build models with is in its wheel")
from tests.support.large_model import too_large

CNN, TRANSFORMER = DATA / "cnn_har_int8.tflite", DATA / "transformer_ln_int8.tflite"
M4 = read_board("qemu-mps2-an386")

needs_cross_compiler = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)


def memory_of(path: Path, folder: Path, board: Board | None = None) -> MemoryUse:
    """Of the portable kernels, or of those for a board."""
    chosen = instruction_set(board) if board else InstructionSet.PORTABLE
    return memory_use(compile_model(read_tflite(path), folder, instruction_set=chosen))


def with_memory(board: Board, ram: int | None = None, flash: int | None = None) -> Board:
    assert board.memory is not None
    regions: dict[str, Region] = {}
    if ram is not None:
        regions["ram"] = board.memory.ram.model_copy(update={"bytes": ram})
    if flash is not None:
        regions["flash"] = board.memory.flash.model_copy(update={"bytes": flash})
    return board.model_copy(update={"memory": board.memory.model_copy(update=regions)})


@pytest.mark.parametrize("path", [CNN, TRANSFORMER], ids=lambda path: path.stem)
def test_the_peak_op_holds_the_peak(path: Path, tmp_path: Path) -> None:
    """Counted again from the model: what is alive at an op is at least what it reads and writes,
    and the constants are those of the file and what the compiler adds."""
    model = read_tflite(path)
    compiled = compile_model(model, tmp_path)
    memory = memory_use(compiled)
    assert memory.peak_bytes <= memory.arena_bytes
    assert memory.peak_op is not None
    assert model.ops[memory.peak_op].name == memory.peak_op_name
    alive = compiled.plan.lives.bytes_at()
    assert max(alive) == memory.peak_bytes
    weights = [t.data.nbytes for t in model.tensors if t.data is not None and t.dtype == "int8"]
    assert memory.constant_bytes >= sum(weights)
    assert memory.largest_op is not None
    assert max(weights) <= memory.largest_bytes <= memory.constant_bytes


@needs_cross_compiler
def test_a_model_too_large_for_ram_is_refused_by_command(tmp_path: Path) -> None:
    model, out = too_large(tmp_path), tmp_path / "out"
    command = ["build", str(model), "--board", "microbit", "--out", str(out)]
    answer = CliRunner().invoke(main, command)
    memory = memory_of(model, tmp_path / "again")
    over = memory.arena_bytes + 1024 + 128 - 16384
    assert answer.exit_code == 2
    assert answer.stderr == (
        f"error: {model}: does not fit microbit: an arena of {memory.arena_bytes} bytes"
        f" (peak {memory.peak_bytes} bytes at op {memory.peak_op} ({memory.peak_op_name})) and 1152"
        f" of stack and buffers are {over} more than its 16384 bytes of RAM; make that op's tensors"
        " smaller, or take a larger board\n"
    )
    assert not out.exists()


def test_to_the_byte(tmp_path: Path) -> None:
    memory = memory_of(CNN, tmp_path)
    assert M4.memory is not None
    needed = memory.arena_bytes + M4.memory.stack_bytes + M4.firmware.write_bytes
    check_fit(CNN, memory, with_memory(M4, ram=needed, flash=memory.constant_bytes))
    with pytest.raises(InputError, match=r"are 1 more than its \d+ bytes of RAM"):
        check_fit(CNN, memory, with_memory(M4, ram=needed - 1))
    blamed = rf"{memory.largest_bytes} at op {memory.largest_op} \({memory.largest_op_name}\)"
    with pytest.raises(InputError, match=rf"{blamed}\) are 1 more than its \d+ bytes of flash"):
        check_fit(CNN, memory, with_memory(M4, flash=memory.constant_bytes - 1))
    check_fit(CNN, memory, read_board("native"))


@needs_cross_compiler
def test_what_only_the_linker_knows_is_its_to_refuse(tmp_path: Path) -> None:
    arena = memory_of(CNN, tmp_path / "again", M4).arena_bytes
    assert M4.memory is not None
    board = with_memory(M4, ram=arena + M4.memory.stack_bytes + M4.firmware.write_bytes)
    with pytest.raises(InputError, match=r"does not fit qemu-mps2-an386 .*RAM.* overflowed by"):
        build_firmware(read_tflite(CNN), board, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_cross_compiler
def test_nothing_is_refused_that_links(tmp_path: Path) -> None:
    """The least RAM and flash that the linker is content with are not refused beforehand."""
    image = build_firmware(read_tflite(CNN), M4, tmp_path / "first")
    assert image.flash_bytes is not None
    assert image.reserved_ram_bytes is not None
    board = with_memory(M4, ram=image.reserved_ram_bytes + 64, flash=image.flash_bytes + 64)
    build_firmware(read_tflite(CNN), board, tmp_path / "second")


@needs_cross_compiler
def test_limits_make_a_build_a_gate(tmp_path: Path) -> None:
    command = ["build", str(CNN), "--board", M4.name, "--json", "--out", str(tmp_path / "out")]
    first = CliRunner().invoke(main, [*command, "--max-ram", "16K", "--max-flash", "64KB"])
    assert first.exit_code == 0
    figures = json.loads(first.stdout)
    ram = figures["static_ram_bytes"] + figures["stack_reserved_bytes"]
    flash = figures["flash_bytes"]
    assert CliRunner().invoke(main, [*command, "--max-ram", str(ram)]).exit_code == 0
    limits = ["--max-ram", str(ram - 1), "--max-flash", str(flash - 10)]
    answer = CliRunner().invoke(main, [*command, *limits])
    assert answer.exit_code == 1
    assert answer.stderr.splitlines()[-1] == (
        f"error: {CNN}: takes {ram} bytes of RAM, 1 over --max-ram (peak"
        f" {figures['peak_bytes']} bytes at op {figures['peak_op']} ({figures['peak_op_name']}))"
        f" and {flash} bytes of flash, 10 over --max-flash (the most, {figures['largest_bytes']} at"
        f" op {figures['largest_op']} ({figures['largest_op_name']})); make that op smaller"
    )
    assert json.loads(answer.stdout) == figures
    assert (tmp_path / "out" / "firmware.bin").stat().st_size == flash


@pytest.mark.parametrize("kind", [["--source-only"], ["--board", "native"]], ids=["source", "host"])
def test_limits_without_an_image_hold_arena_and_constants(kind: list[str], tmp_path: Path) -> None:
    memory = memory_of(CNN, tmp_path / "again")
    command = ["build", str(CNN), *kind, "--out", str(tmp_path / "out")]
    limits = [str(memory.arena_bytes), str(memory.constant_bytes)]
    fitting = CliRunner().invoke(main, [*command, "--max-ram", limits[0], "--max-flash", limits[1]])
    assert fitting.exit_code == 0
    answer = CliRunner().invoke(main, [*command, "--max-flash", str(memory.constant_bytes - 1)])
    assert answer.exit_code == 1
    assert f"{memory.constant_bytes} bytes of flash, 1 over --max-flash" in answer.stderr


def test_sizes() -> None:
    texts = ["8192", "8k", "8K", "8KB", "8 kb"]
    assert [parse_bytes(text, "max_ram") for text in texts] == 5 * [8192]
    for text in ["", "K", "-1", "8M", "8.5K", "0x10", "８"]:
        with pytest.raises(InputError, match=r"`max_ram`: .* is not a size"):
            parse_bytes(text, "max_ram")
