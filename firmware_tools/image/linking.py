"""From a model's C to a firmware image for one board.

The figures come from the linked image itself: `flash_bytes` is the length of the binary that is
written to the board, `static_ram_bytes` what its sections take in RAM beside the stack.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.board.registry import FIRMWARE, RUNTIME, Board
from firmware_tools.board.schema import pin_numbers
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.image.image import digest
from firmware_tools.image.link_map import flash_parts
from firmware_tools.link.protocol import IMAGE_ID_BYTES
from midfuse import __version__
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.files import publish
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image, ImageFile, ImageStep, MemoryUse

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
COMMON_SOURCES = ("main.c", "server.c", "frame.c", "image_id.c")
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


def link_firmware(
    board: Board,
    model_sources: Sequence[Path],
    out: Path,
    *,
    include_dirs: Sequence[Path] = (),
    model_sha256: str,
    memory: MemoryUse,
    steps: Sequence[ImageStep] = (),
    observable: bool = False,
    sanitize: bool = False,
    runtime: InferenceCode = OURS,
    progress: Progress = SILENT,
) -> Image:
    """Compile the firmware and a model's C into `out/firmware.elf`, `.bin`, `.map` and `.json`.

    The same sources, board and compiler give the same bytes. `sanitize` adds address and
    undefined-behaviour sanitizers (host boards).

    Raises:
        InputError: the image does not fit the board.
        DeviceError: the compiler is missing or fails.
    """
    require_toolchain(board)
    sources = [FIRMWARE / name for name in COMMON_SOURCES]
    sources += runtime.sources
    sources += board.sources
    sources += model_sources
    headers = [board.source(name) for name in board.firmware.includes]
    core = board.toolchain.cpu_flags + (SANITIZE if sanitize else [])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "board_config.h").write_text(_config(board, runtime), encoding="utf-8")
        includes = [f"-I{path}" for path in (folder, FIRMWARE, RUNTIME, *headers, *include_dirs)]
        foreign = [f"-isystem{path}" for path in runtime.include_dirs]
        foreign += [f"-D{name}" for name in runtime.defines]
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
            elf, link_map = folder / "firmware.elf", folder / "firmware.map"
            link_flags = [*_link_flags(board, folder), f"-Wl,-Map={link_map}"]
            arguments = [*core, *map(str, objects), *_libraries(board, runtime), *link_flags]
            linker = "g++" if runtime.archive else "gcc"
            _compile(board, linker, [*arguments, "-o", str(elf)])
            image_id = _write_image_id(elf)
            task.advance(note="linked")
        binary = _binary(board, elf)
        region = board.memory
        parts = None
        if binary and region:
            made_from = {o.name: source for o, source in zip(objects, sources, strict=True)}
            # Objects by their names alone: the folder has another name in every build.
            placed = link_map.read_text(encoding="utf-8").replace(f"{folder}/", "")
            if runtime.archive:
                placed = placed.replace(f"{runtime.archive.parent}/", "")
            link_map.write_text(placed, encoding="utf-8")
            parts = flash_parts(
                placed,
                made_from,
                model_sources,
                region.flash,
                binary.stat().st_size,
                runtime.archive.name if runtime.archive else None,
            )
        file = ImageFile(
            **memory.model_dump(),
            board=board.name,
            runtime=runtime.name,
            model_sha256=model_sha256,
            image_id=image_id,
            image_sha256=digest(elf),
            observable=observable,
            steps=list(steps),
            flash_bytes=binary.stat().st_size if binary else None,
            flash_parts=parts,
            static_ram_bytes=_static_ram(board, elf) if region else None,
            stack_reserved_bytes=region.stack_bytes if region else None,
        )
        return _publish(file, elf, binary, link_map, out)


def _publish(file: ImageFile, elf: Path, binary: Path | None, link_map: Path, out: Path) -> Image:
    """Put the finished files into `out`, replacing those of an earlier build."""
    finished = elf.parent / "finished"
    finished.mkdir()
    for path in (elf,) if binary is None else (elf, binary, link_map):
        shutil.copy(path, finished)
    described = (finished / elf.name).with_suffix(".json")
    described.write_text(file.model_dump_json(indent=2) + "\n", encoding="utf-8")
    publish(finished, out)
    if binary is None:
        for suffix in (".bin", ".map"):
            (out / elf.name).with_suffix(suffix).unlink(missing_ok=True)
    return Image(elf=out / elf.name, binary=out / binary.name if binary else None, **dict(file))


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


def _write_image_id(elf: Path) -> str:
    """Put the image's digest where its id goes; the id in hexadecimal.

    Raises:
        DeviceError: the place is not there, or not the only one.
    """
    linked = elf.read_bytes()
    if linked.count(NO_IMAGE_ID) != 1:
        raise DeviceError(
            f"the linked image has {linked.count(NO_IMAGE_ID)} places for its id, not 1",
            "report it with the model",
        )
    image_id = hashlib.sha256(linked).digest()[:IMAGE_ID_BYTES]
    elf.write_bytes(linked.replace(NO_IMAGE_ID, image_id))
    return image_id.hex()


def _binary(board: Board, elf: Path) -> Path | None:
    """The bytes that are written to flash; none for a program of this computer."""
    if board.memory is None:
        return None
    binary = elf.with_suffix(".bin")
    subprocess.run(
        [board.toolchain.program("objcopy"), "-O", "binary", str(elf), str(binary)], check=True
    )
    return binary


def _static_ram(board: Board, elf: Path) -> int:
    """Bytes of .data, .bss and .noinit in the linked image."""
    listing = subprocess.run(
        [board.toolchain.program("size"), "-A", str(elf)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    sizes = {words[0]: words[1] for line in listing.splitlines() if len(words := line.split()) == 3}
    return sum(int(sizes.get(name, 0)) for name in (".data", ".bss", ".noinit"))
