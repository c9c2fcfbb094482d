"""A firmware image on disk and the figures beside it."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from firmware_tools.board.registry import Board
from firmware_tools.image.memory import MemoryUse
from midfuse.core.errors import InputError


class ImageStep(BaseModel):
    """One step of an inference, and the indices of the .tflite's operators that it carries out.

    `work` is the part of their arithmetic that it does, where several steps have the same ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    ops: list[int]
    work: float = 1.0


class ImageFile(MemoryUse):
    """What `firmware.json` beside an image says about it; the figures are bytes.

    `runtime` is what carries out an inference: midfuse, tflm or tflm-cmsis-nn. RAM and flash are
    null for a board that is a process of this computer. `flash_parts` add up to `flash_bytes`.
    `image_id` is what the board answers with; `image_sha256` is the .elf's.
    """

    schema_version: Literal[4] = 4
    board: str
    runtime: str
    model_sha256: str
    image_id: str
    image_sha256: str
    observable: bool
    steps: list[ImageStep]
    flash_bytes: int | None
    flash_parts: dict[str, int] | None
    static_ram_bytes: int | None
    stack_reserved_bytes: int | None


class Image(ImageFile):
    """A firmware image: `elf`, `binary` where the board's flash takes one, and its figures."""

    elf: Path
    binary: Path | None

    @property
    def reserved_ram_bytes(self) -> int | None:
        """What its sections and its stack take."""
        if self.static_ram_bytes is None or self.stack_reserved_bytes is None:
            return None
        return self.static_ram_bytes + self.stack_reserved_bytes

    @property
    def files(self) -> list[Path]:
        found = [self.elf, self.elf.with_suffix(".json")]
        if self.binary is None:
            return found
        return [found[0], self.binary, self.elf.with_suffix(".map"), found[1]]


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
            f"{elf}: built for {file.board}, not {board.name}", f"flash with --board {file.board}"
        )
    binary = elf.with_suffix(".bin")
    return Image(elf=elf, binary=binary if binary.is_file() else None, **dict(file))


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
