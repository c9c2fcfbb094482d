"""The kernels' parameter structs as the headers `mf_kernels*.h` declare them.

C++ wants a struct's initialisers complete and in the order of its declaration, so that is how the
emitter writes them, in whatever order a lowering names them.
"""

import re
from functools import cache
from pathlib import Path

_RUNTIME = Path(__file__).resolve().parent.parent / "runtime"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRUCT = re.compile(r"typedef struct \{(.*?)\} (\w+);", re.DOTALL)
_MEMBER = re.compile(r"(?:const )?(\w+) (.*)", re.DOTALL)


@cache
def members(struct: str) -> dict[str, str]:
    """A struct's members in order, each with its C type: `int32_t`, `int8_t *`, `uint32_t[]`."""
    return _structs()[struct]


def is_struct(ctype: str) -> bool:
    return ctype in _structs()


@cache
def _structs() -> dict[str, dict[str, str]]:
    headers = sorted(_RUNTIME.rglob("mf_kernels*.h"))
    text = _COMMENT.sub("", "".join(path.read_text(encoding="ascii") for path in headers))
    return {name: dict(_members(body)) for body, name in _STRUCT.findall(text)}


def _members(body: str) -> list[tuple[str, str]]:
    found = []
    for declaration in filter(None, map(str.strip, body.split(";"))):
        match = _MEMBER.fullmatch(declaration)
        assert match, declaration
        for declarator in match[2].split(","):
            name, array, _ = declarator.strip().partition("[")
            kind = match[1] + ("[]" if array else " *" if name.startswith("*") else "")
            found.append((name.lstrip("*"), kind))
    return found
