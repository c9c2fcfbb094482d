"""Files that appear together or not at all."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from midfuse.errors import InputError


def publish(files: Mapping[str, bytes], out: Path) -> list[Path]:
    """Write files by their path within `out`, replacing those of the same name; their paths.

    All are written under another name first, so that a full disk leaves none of them behind.

    Raises:
        InputError: `out` cannot be written.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            waiting.append((part, path))
            part.write_bytes(content)
        for part, path in waiting:
            os.replace(part, path)
    except OSError as error:
        for part, _ in waiting:
            with suppress(OSError):
                part.unlink()
        raise InputError(
            f"{error.filename or out}: cannot be written ({error.strerror})", "name another --out"
        ) from None
    return [path for _, path in waiting]
