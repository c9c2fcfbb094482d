"""Firmware images on disk."""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from firmware_tools.board.registry import Board
from midfuse.core.errors import InputError
from midfuse.core.results import Image, ImageFile


def read_image(elf: Path, board: Board) -> Image:
    """An image that `build_firmware` wrote, by its .elf; `firmware.json` lies beside it.

    Raises:
        InputError: a file is missing, not ours, or the image is another or for another board.
    """
    described = elf.with_suffix(".json")
    try:
        file = ImageFile.model_validate_json(described.read_bytes())
        found = digest(elf)
    except OSError as error:
        raise InputError(
            f"{error.filename}: cannot be read ({error.strerror})", "build it with midfuse build"
        ) from None
    except ValidationError as error:
        # Another version explains all other errors.
        first = min(error.errors(), key=lambda each: each["loc"] != ("schema_version",))
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{described}: {key}: {first['msg']}", "build the image again") from None
    if found != file.image_sha256:
        raise InputError(f"{elf}: not the image that {described} describes", "build it again")
    if file.board != board.name:
        raise InputError(
            f"{elf}: built for {file.board}, not {board.name}",
            f"flash `board` {file.board}",
        )
    binary = elf.with_suffix(".bin")
    return Image(elf=elf, binary=binary if binary.is_file() else None, **dict(file))


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def find_elf(path: Path) -> Path:
    """The image's .elf: the file itself, or the one in a folder that `midfuse build` wrote."""
    return path / "firmware.elf" if path.is_dir() else path
