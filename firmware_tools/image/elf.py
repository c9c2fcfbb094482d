"""C and C++ to an .elf, by the board's compiler: its flags, its configuration, its memory."""

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.board.registry import FIRMWARE, RUNTIME, Board
from firmware_tools.board.schema import pin_numbers
from firmware_tools.link.protocol import IMAGE_ID_BYTES
from midfuse import __version__
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.progress import SILENT, Progress

C_FLAGS = [
    *("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"),
    *("-ffunction-sections", "-fdata-sections", "-ffp-contract=off"),
]
CXX_FLAGS = [
    *("-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"),
    *("-ffunction-sections", "-fdata-sections"),
    *("-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-asynchronous-unwind-tables"),
]
# The C library brings debug sections that name its builder's folders.
LINK_FLAGS = ["-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,--strip-debug"]
# A header without an ending, or the library itself.
_NO_CXX_LIBRARY = re.compile(r"fatal error: \w+: No such file|cannot find -lstdc\+\+")
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
# What the linked image has in the place of its id: bytes that occur nowhere else in it.
NO_IMAGE_ID = hashlib.sha256(b"no image id yet").digest()[:IMAGE_ID_BYTES]


@dataclass(frozen=True)
class InferenceCode:
    """What carries out an inference in an image: its sources, and the C++ library behind them.

    `include_dirs` are the library's headers, which are not ours to warn of, `defines` what they
    depend on.
    """

    name: str
    sources: tuple[Path, ...]
    archive: Path | None = None
    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()


OURS = InferenceCode("midfuse", (FIRMWARE / "steps.c",))


@dataclass(frozen=True)
class LinkedElf:
    """A linked .elf, its link map, and the source of each object in the map, by file name."""

    elf: Path
    link_map: Path
    made_from: dict[str, Path]


def link_elf(
    board: Board,
    sources: Sequence[Path],
    folder: Path,
    *,
    include_dirs: Sequence[Path],
    sanitize: bool,
    runtime: InferenceCode,
    progress: Progress = SILENT,
) -> LinkedElf:
    """Compile and link `sources` in `folder`, a scratch folder; its map is the same in every build.

    Raises:
        InputError: the image does not fit the board.
        DeviceError: the compiler fails.
    """
    headers = [board.source(name) for name in board.firmware.includes]
    core = board.toolchain.cpu_flags + (SANITIZE if sanitize else [])
    (folder / "board_config.h").write_text(_config(board, runtime), encoding="utf-8")
    includes = [f"-I{path}" for path in (folder, FIRMWARE, RUNTIME, *headers, *include_dirs)]
    foreign = [f"-isystem{path}" for path in runtime.include_dirs]
    foreign += [f"-D{name}" for name in runtime.defines]
    elf, link_map = folder / "firmware.elf", folder / "firmware.map"
    with progress.task("compile firmware", len(sources) + 1) as task:

        def compile_one(numbered: tuple[int, Path]) -> Path:
            number, source = numbered
            built = folder / f"{number}_{source.stem}.o"
            cxx = source.suffix == ".cc"
            flags = [*CXX_FLAGS, *foreign] if cxx else C_FLAGS
            arguments = [*flags, *core, *includes, "-c", str(source), "-o", str(built)]
            _compile(board, "g++" if cxx else "gcc", arguments)
            task.advance(note=source.name)
            return built

        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            objects = list(pool.map(compile_one, enumerate(sources)))
        link_flags = [*_link_flags(board, folder), f"-Wl,-Map={link_map}"]
        arguments = [*core, *map(str, objects), *_libraries(board, runtime), *link_flags]
        linker = "g++" if runtime.archive else "gcc"
        _compile(board, linker, [*arguments, "-o", str(elf)])
        task.advance(note="linked")
    # Objects by their names alone: the folder has another name in every build.
    placed = link_map.read_text(encoding="utf-8").replace(f"{folder}/", "")
    if runtime.archive:
        placed = placed.replace(f"{runtime.archive.parent}/", "")
    link_map.write_text(placed, encoding="utf-8")
    return LinkedElf(
        elf, link_map, {o.name: source for o, source in zip(objects, sources, strict=True)}
    )


def _config(board: Board, runtime: InferenceCode) -> str:
    """board_config.h: what the C needs to know of board.toml."""
    version = __version__ if runtime == OURS else f"{__version__} {runtime.name}"
    lines = [
        f'#define MF_BOARD_NAME "{board.name}"',
        f'#define MF_FIRMWARE_VERSION "{version}"',
        f"#define MF_IMAGE_ID {{{', '.join(map(str, NO_IMAGE_ID))}}}",
        f"#define MF_CLOCK_HZ {board.clock_hz}u",
        f"#define MF_TICKS_PER_SECOND {board.ticks.per_second}u",
        f"#define MF_WRITE_BYTES {board.firmware.write_bytes}",
        f"#define MF_READ_BYTES {board.firmware.read_bytes}",
    ]
    if board.uart:
        lines += [
            f"#define MF_UART_BASE {board.uart.base:#010x}u",
            f"#define MF_UART_IRQ {board.uart.irq}u",
            f"#define MF_UART_BAUD {board.uart.baud}u",
        ]
        for name, pin in (("TX", board.uart.tx), ("RX", board.uart.rx)):
            if pin:
                port, number = pin_numbers(pin)
                lines += [
                    f"#define MF_UART_{name}_PORT {port}u",
                    f"#define MF_UART_{name}_PIN {number}u",
                ]
    return "\n".join(lines) + "\n"


def _link_flags(board: Board, folder: Path) -> list[str]:
    script = board.toolchain.linker_script
    flags = LINK_FLAGS + board.toolchain.link_flags
    if script is None or board.memory is None:
        return flags
    memory = board.memory
    (folder / "memory.ld").write_text(
        "MEMORY\n{\n"
        f"    FLASH (rx) : ORIGIN = {memory.flash.start:#010x}, LENGTH = {memory.flash.bytes:#x}\n"
        f"    RAM (rwx) : ORIGIN = {memory.ram.start:#010x}, LENGTH = {memory.ram.bytes:#x}\n"
        f"}}\nSTACK_BYTES = {memory.stack_bytes};\n",
        encoding="utf-8",
    )
    return [*flags, f"-L{folder}", f"-T{board.source(script)}"]


def _libraries(board: Board, runtime: InferenceCode) -> list[str]:
    """TFLM, and stubs of the system calls that a C library may ask for where there is no system."""
    if runtime.archive is None:
        return []
    stubs = ["--specs=nosys.specs"] if board.memory else []
    return [f"-L{runtime.archive.parent}", f"-l:{runtime.archive.name}", "-lm", *stubs]


def _compile(board: Board, name: str, arguments: list[str]) -> None:
    """Run the board's compiler of that name.

    Raises:
        InputError: the image does not fit the board.
        DeviceError: anything else that the compiler or linker refuses.
    """
    program = board.toolchain.program(name)
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if _NO_CXX_LIBRARY.search(done.stderr):
        raise DeviceError(
            f"{program} has no C++ library, which TFLM's headers need",
            "install libstdc++-arm-none-eabi-newlib, or build TFLM with the compiler that its"
            " makefile fetches",
        )
    lines = done.stderr.splitlines()
    overflows = [line.rpartition(": ")[2] for line in lines if "overflowed by" in line]
    if overflows:
        raise InputError(
            f"the model does not fit {board.name} ({', '.join(overflows)})",
            "take a smaller model or a larger board",
        )
    first = next((line for line in lines if "error" in line or "undefined" in line), "no message")
    raise DeviceError(
        f"{program} failed: {first}",
        "report it if the source is Midfuse's",
        details=done.stderr,
    )
