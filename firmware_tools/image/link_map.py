"""What the flash of a linked image holds, from the linker's map."""

import re
from collections.abc import Sequence
from pathlib import Path

from firmware_tools.board.registry import RUNTIME
from firmware_tools.board.schema import Region

_START = "Linker script and memory map"
# Section, address, size, object; a long section name has a line of its own.
_PLACED = re.compile(r"^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$", re.MULTILINE)
_CODE = (".vectors", ".text", ".rodata", ".srodata", ".ARM.ex", ".eh_frame", ".init", ".fini")
_DATA = (".data", ".sdata")
# The compiler's constants: see `Graph.constant`.
_TABLE = re.compile(r"\.s?rodata\.table_\d+")


def flash_parts(
    link_map: str,
    sources: dict[str, Path],
    model_sources: Sequence[Path],
    flash: Region,
    flash_bytes: int,
    kernel_archive: str | None = None,
) -> dict[str, int]:
    """Bytes of flash by what they are for; they add up to `flash_bytes`.

    `sources` is the source of each object file, by its name; what lies in the library of the name
    `kernel_archive` counts as kernels.
    """
    names = ("constants", "parameters", "kernels", "firmware", "library", "alignment")
    parts = dict.fromkeys(names, 0)
    placed = link_map.partition(_START)[2]
    for section, address, size, path in _PLACED.findall(placed):
        in_flash = flash.start <= int(address, 16) < flash.start + flash.bytes
        if section.startswith(_DATA) or (in_flash and section.startswith(_CODE)):
            name = Path(path).name
            source = sources.get(name)
            if source is None:
                part = "kernels" if name.partition("(")[0] == kernel_archive else "library"
            elif RUNTIME in source.parents:
                part = "kernels"
            elif source not in model_sources:
                part = "firmware"
            else:
                part = "constants" if _TABLE.fullmatch(section) else "parameters"
            parts[part] += int(size, 16)
    parts["alignment"] = flash_bytes - sum(parts.values())
    return parts
