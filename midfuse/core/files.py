"""Files that are there whole or not at all, whatever ends the program that writes them."""

import io
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from midfuse.core.errors import InputError


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file, text in UTF-8, under another name first: it is never there by half.

    It is on the disk before it has its name. Its folder is made if it is missing.

    Raises:
        InputError: it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        with suppress(OSError):
            part.unlink()


def write_model(path: Path, model: BaseModel) -> None:
    """Write a result or a card as indented JSON.

    Raises:
        InputError: it cannot be written.
    """
    write_whole(path, model.model_dump_json(indent=2) + "\n")


def write_npz(path: Path, arrays: Mapping[str, npt.NDArray[Any]], *, packed: bool = True) -> None:
    """Write arrays as an .npz, compressed if `packed`.

    Raises:
        InputError: it cannot be written.
    """
    content = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(content, **arrays)
    write_whole(path, content.getvalue())


def publish(finished: Path, out: Path) -> list[Path]:
    """Copy a folder of finished files into `out`, replacing those of the same name; their paths.

    All are written under another name first, so that a full disk leaves none of them behind.

    Raises:
        InputError: `out` cannot be written.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        for source in sorted(path for path in finished.rglob("*") if path.is_file()):
            path = out / source.relative_to(finished)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = _part(path)
            waiting.append((part, path))
            shutil.copy(source, part)
        for part, path in waiting:
            os.replace(part, path)
    except OSError as error:
        raise cannot_write(Path(error.filename or out), error) from None
    finally:
        _remove(part for part, _ in waiting)
    return [path for _, path in waiting]


def move_all(finished: Path, out: Path) -> list[Path]:
    """Move the files of a folder on the same disk into `out`, replacing those of the same name.

    Raises:
        InputError: `out` cannot be written.
    """
    moved = []
    try:
        for source in sorted(path for path in finished.rglob("*") if path.is_file()):
            path = out / source.relative_to(finished)
            path.parent.mkdir(parents=True, exist_ok=True)
            source.replace(path)
            moved.append(path)
    except OSError as error:
        raise cannot_write(Path(error.filename or out), error) from None
    return moved


def cannot_write(path: Path, error: OSError) -> InputError:
    """The error for a file or folder that cannot be written."""
    return InputError(
        f"{path}: cannot be written ({error.strerror or error})", "name another folder as `out`"
    )


def _part(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f".{path.name}.part")


def _remove(parts: Iterable[Path]) -> None:
    for part in parts:
        with suppress(OSError):
            part.unlink()
