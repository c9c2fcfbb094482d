"""Weights that an `.onnx` keeps in files beside it, and nowhere else."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import onnx

from midfuse.core.errors import InputError


def load_external_data(tensors: Iterable[Any], folder: Path, limit: int, where: str) -> None:
    """Read the data of those tensors that have it in a file in `folder` (resolved), in place.

    Raises:
        InputError: a file elsewhere (also behind a link), missing or too short, or more than
            `limit` bytes together.
    """
    total = 0
    for tensor in tensors:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        fields = {entry.key: entry.value for entry in tensor.external_data}
        file = _inside(folder, fields.get("location", ""), tensor.name, where)
        size = file.stat().st_size
        offset = _count(fields.get("offset", "0"))
        length = _count(fields["length"]) if "length" in fields else size - offset
        if min(offset, length) < 0 or offset + length > size:
            raise InputError(
                f"{where}: tensor {tensor.name} has its data beyond the end of {file}",
                "export it again",
            )
        total += length
        if total > limit:
            raise InputError(
                f"{where}: external data of more than {limit >> 20} MiB",
                "no microcontroller holds such a model",
            )
        try:
            with file.open("rb") as data:
                data.seek(offset)
                tensor.raw_data = data.read(length)
        except OSError as error:
            raise InputError(
                f"{where}: {file} cannot be read ({error.strerror})", "export it again"
            ) from None
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _inside(folder: Path, location: str, tensor: str, where: str) -> Path:
    try:
        file = (folder / location).resolve()
        outside = not location or file.parent != folder
        missing = not outside and not file.is_file()
    except (ValueError, OSError, RuntimeError):  # a null byte, a name too long, a loop of links
        outside, missing = True, False
    if outside:
        raise InputError(
            f"{where}: tensor {tensor} has its data in {location!r}, outside the model's folder",
            "keep the data file beside the model",
        )
    if missing:
        raise InputError(
            f"{where}: tensor {tensor} has its data in {file}, which does not exist",
            "keep the data file beside the model",
        )
    return file


def _count(text: str) -> int:
    """A number of bytes; -1, which no file holds, where it is none."""
    return int(text) if text.isdecimal() and len(text) < 20 else -1
