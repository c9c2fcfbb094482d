"""From a model's C to a firmware image for one board.

The figures come from the linked image itself: `flash_bytes` is the length of the binary that is
written to the board, `static_ram_bytes` what its sections take in RAM beside the stack.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from firmware_tools.board.registry import FIRMWARE, Board
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.image.elf import NO_IMAGE_ID, OURS, InferenceCode, link_elf
from firmware_tools.image.image import digest
from firmware_tools.image.link_map import flash_parts
from firmware_tools.link.protocol import IMAGE_ID_BYTES
from midfuse.core.errors import DeviceError
from midfuse.core.files import publish
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image, ImageFile, ImageStep, MemoryUse

COMMON_SOURCES = ("main.c", "port.c", "server.c", "requests.c", "frame.c", "image_id.c")


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
    sources += [*runtime.sources, *board.sources, *model_sources]
    region = board.memory
    with tempfile.TemporaryDirectory() as scratch:
        linked = link_elf(
            board,
            sources,
            Path(scratch),
            include_dirs=include_dirs,
            sanitize=sanitize,
            runtime=runtime,
            progress=progress,
        )
        image_id = _write_image_id(linked.elf)
        binary = _binary(board, linked.elf)
        parts = None
        if binary and region:
            parts = flash_parts(
                linked.link_map.read_text(encoding="utf-8"),
                linked.made_from,
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
            image_sha256=digest(linked.elf),
            observable=observable,
            steps=list(steps),
            flash_bytes=binary.stat().st_size if binary else None,
            flash_parts=parts,
            static_ram_bytes=_static_ram(board, linked.elf) if region else None,
            stack_reserved_bytes=region.stack_bytes if region else None,
        )
        return _publish(file, linked.elf, binary, linked.link_map, out)


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
