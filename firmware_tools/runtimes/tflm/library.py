"""A checkout of tflite-micro in which its own makefile built a library."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.board.registry import Board
from firmware_tools.board.toolchain import require_toolchain
from midfuse.core.errors import InputError

ARCHIVE = "libtensorflow-microlite.a"
RESOLVER = Path("tensorflow/lite/micro/micro_mutable_op_resolver.h")
_MAKE = Path("tensorflow/lite/micro/tools/make")
_DOWNLOADS = _MAKE / "downloads"
_FLATBUFFERS = _DOWNLOADS / "flatbuffers/include"
# Where a build lies, in today's makefile and in earlier ones.
_BUILDS = ("gen", f"{_MAKE}/gen")
# The compiler that the makefile fetches for itself.
_COMPILER = _DOWNLOADS / "gcc_embedded/bin"
# A function that there is with compression only.
_COMPRESSION = b"IsTensorCompressed"
_MEMBER = re.compile(r"^File: .*\((.*)\)$", re.MULTILINE)
_FIELD = re.compile(r"^ *(Class|Machine|Tag_\w+): +(.*)$", re.MULTILINE)
# What has to be the same, or it does not link, does not run, or runs as another core would.
_SAME = (
    *("Class", "Machine", "Tag_CPU_arch", "Tag_CPU_arch_profile", "Tag_FP_arch"),
    *("Tag_ABI_VFP_args", "Tag_DSP_extension", "Tag_MVE_arch"),
)


@dataclass(frozen=True)
class Library:
    """One build of TFLM and the checkout with its headers.

    With `compression`, TFLM's of tensors, its classes are of another shape.
    """

    root: Path
    archive: Path
    cmsis_nn: bool
    compression: bool

    @property
    def runtime(self) -> str:
        """The name by which images and reports call it."""
        return "tflm-cmsis-nn" if self.cmsis_nn else "tflm"

    @property
    def include_dirs(self) -> list[Path]:
        return [self.root, *(self.root / _DOWNLOADS / name for name in ("gemmlowp", "ruy")),
                self.root / _FLATBUFFERS]  # fmt: skip

    @property
    def defines(self) -> list[str]:
        """What the library was built with, as far as it changes its headers."""
        compression = ["USE_TFLM_COMPRESSION"] if self.compression else []
        return ["TF_LITE_STATIC_MEMORY", "TF_LITE_DISABLE_X86_NEON", *compression]

    def compiler_for(self, board: Board) -> Board:
        """The board, built for with the compiler that built the library where it is at hand.

        It brings the C++ library that TFLM's headers need, which a system's compiler may lack.
        """
        prefix = self.root / _COMPILER / board.toolchain.prefix
        if not prefix.with_name(f"{prefix.name}g++").is_file():
            return board
        toolchain = board.toolchain.model_copy(update={"prefix": str(prefix)})
        return board.model_copy(update={"toolchain": toolchain})


def find_library(folder: Path, board: Board) -> Library:
    """The one library in `folder` that is built for the board's core.

    `folder` is a checkout of tflite-micro, or the folder of one build in its `gen`.

    Raises:
        InputError: no checkout, nothing built in it, or none or several for this core.
        DeviceError: the board's compiler is missing.
    """
    fitting = fitting_libraries(folder, board)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        builds = ", ".join(sorted(each.archive.parent.parent.name for each in fitting))
        raise InputError(
            f"{folder}: several libraries are for {board.name} ({builds})",
            "name one of these folders as `tflm`",
        )
    root, archives = _builds(folder)
    if not archives:
        raise InputError(f"{folder}: no {ARCHIVE} is built in it", _how_to_build(root, board))
    wanted = _fields_of_core(board)
    for found in _members(board, archives[0]).values():
        if name := _difference(found, wanted):
            raise InputError(
                f"{archives[0]}: not built for {board.name}'s core: {name.removeprefix('Tag_')} is"
                f" {found.get(name, 'none')}, the board's {wanted.get(name, 'none')}",
                _how_to_build(root, board),
            )
    raise InputError(f"{archives[0]}: no library", _how_to_build(root, board))


def fitting_libraries(folder: Path, board: Board) -> list[Library]:
    """All libraries in `folder` that are built for the board's core; see `find_library`.

    Raises:
        InputError: no checkout.
        DeviceError: the board's compiler is missing.
    """
    require_toolchain(board)
    root, archives = _builds(folder)
    wanted = _fields_of_core(board)
    fitting = []
    for archive in archives:
        members = _members(board, archive)
        if members and not any(_difference(found, wanted) for found in members.values()):
            # CMSIS-NN's sources are named after its functions.
            cmsis_nn = any(name.startswith("arm_") for name in members)
            compression = _COMPRESSION in archive.read_bytes()
            fitting.append(Library(root, archive, cmsis_nn, compression))
    return fitting


def _builds(folder: Path) -> tuple[Path, list[Path]]:
    """The checkout that `folder` is or lies in, and the libraries built in `folder`."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", "name a checkout of tflite-micro as `tflm`")
    folder = folder.resolve()
    root = next((each for each in (folder, *folder.parents) if (each / RESOLVER).is_file()), None)
    if root is None:
        raise InputError(
            f"{folder}: no checkout of tflite-micro ({RESOLVER} is not in it)",
            "git clone https://github.com/tensorflow/tflite-micro, and build it as docs/tflm.md"
            " says",
        )
    if not (root / _FLATBUFFERS / "flatbuffers/flatbuffers.h").is_file():
        raise InputError(
            f"{root}: {_FLATBUFFERS}/flatbuffers/flatbuffers.h is missing",
            f"run `make -f {_MAKE}/Makefile third_party_downloads` in it",
        )
    if folder == root:
        found = [path for each in _BUILDS for path in root.glob(f"{each}/*/lib/{ARCHIVE}")]
    else:
        found = list(folder.glob(f"lib/{ARCHIVE}"))
    return root, sorted(found)


def _fields_of_core(board: Board) -> dict[str, str]:
    """The ELF fields of what the board's compiler makes for its core."""
    with tempfile.TemporaryDirectory() as scratch:
        sample = Path(scratch) / "sample.o"
        command = [board.toolchain.program("gcc"), *board.toolchain.cpu_flags, "-c", "-xc"]
        subprocess.run([*command, os.devnull, "-o", str(sample)], check=True)
        return dict(_FIELD.findall(_read_elf(board, sample)))


def _members(board: Board, archive: Path) -> dict[str, dict[str, str]]:
    """The ELF fields of each member of an archive, by its name; none of a file that is no archive.

    Members of one name are built alike, by one makefile.
    """
    parts = _MEMBER.split(_read_elf(board, archive))
    fields = (dict(_FIELD.findall(text)) for text in parts[2::2])
    return dict(zip(parts[1::2], fields, strict=True))


def _read_elf(board: Board, path: Path) -> str:
    command = [board.toolchain.program("readelf"), "-hA", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout


def _difference(found: dict[str, str], wanted: dict[str, str]) -> str | None:
    """The first field that has to be the same, and is not."""
    return next((name for name in _SAME if found.get(name) != wanted.get(name)), None)


def _how_to_build(root: Path, board: Board) -> str:
    target = ""
    if board.core.startswith("cortex-m"):
        hard = "-mfloat-abi=hard" in board.toolchain.cpu_flags
        fpu = "+fp" if hard and board.core in ("cortex-m4", "cortex-m7") else ""
        target = f" TARGET=cortex_m_generic TARGET_ARCH={board.core}{fpu}"
    return f"in {root}, run `make -f {_MAKE}/Makefile{target} microlite`"
