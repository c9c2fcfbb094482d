"""What `midfuse build` answers."""

from pathlib import Path
from typing import Literal

from midfuse.core.results.base import Part, Result


class MemoryUse(Part):
    """Bytes of a compiled model.

    `peak_bytes` are alive at once during the op of index `peak_op`: no arena can be smaller. It is
    null where nothing is computed. `largest_op` reads the most bytes of constants.
    """

    arena_bytes: int
    peak_bytes: int
    peak_op: int | None
    peak_op_name: str
    constant_bytes: int
    largest_bytes: int
    largest_op: int | None
    largest_op_name: str

    @property
    def peak(self) -> str:
        """For people: which op sets the arena's size."""
        return f"peak {self.peak_bytes} bytes{_at(self.peak_op, self.peak_op_name)}"

    @property
    def largest(self) -> str:
        """For people: which op brings the most constants."""
        return f"the most, {self.largest_bytes}{_at(self.largest_op, self.largest_op_name)}"


def _at(op: int | None, name: str) -> str:
    return "" if op is None else f" at op {op} ({name})"


class ImageStep(Part):
    """One step of an inference, and the indices of the .tflite's operators that it carries out.

    `work` is the part of their arithmetic that it does, where several steps have the same ones.
    """

    name: str
    ops: list[int]
    work: float = 1.0


class ImageFile(MemoryUse, Result):
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
    """What `midfuse build` answers: a firmware image, `elf`, `binary` where the board's flash takes
    one, and its figures.
    """

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


class SourceFolder(MemoryUse, Result):
    """What `midfuse build --source-only` answers: the model's name in C, its memory, the files."""

    schema_version: Literal[1] = 1
    symbol: str
    files: list[Path]
