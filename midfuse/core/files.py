"""Files that appear together or not at all."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from midfuse.core.errors import InputError


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
            part = path.with_name(f".{path.name}.part")
            waiting.append((part, path))
            shutil.copy(source, part)
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
