"""Which elements a kernel reads and writes, where its parameters say so with strides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.affine import places, strides_of
from firmware_tools.compiler.program import Call, Slot, Value

OUTPUT = -1
_NAMES = ("add", "sub", "mul", "div", "squared_difference", "maximum", "minimum", "prelu")
_TYPES = ("s8", "s16")
BINARY = tuple(f"mf_{name}_{suffix}" for name in _NAMES for suffix in _TYPES)
# Larger tensors are no microcontroller's; looking at their every element would take long.
_MAX_ELEMENTS = 1 << 20


@dataclass(frozen=True)
class Access:
    """The parameters that hold the sizes of a block's axes, and those that hold the strides.

    A name with a dot is a nested struct's; no stride at all means 1.
    """

    axes: tuple[tuple[str, str | None], ...]
    signed: bool = False


_SUM = Access((("axes.kept", "axes.kept_stride"), ("axes.reduced", "axes.reduced_stride")))
_MATMUL = {
    0: Access((
        ("batch_dims", "lhs_batch_stride"),
        ("rows", "lhs_row_stride"), ("depth", "lhs_depth_stride"),
    )),
    1: Access((
        ("batch_dims", "rhs_batch_stride"),
        ("depth", "rhs_depth_stride"), ("columns", "rhs_column_stride"),
    )),
    OUTPUT: Access((
        ("batch_dims", "output_batch_stride"),
        ("rows", "output_row_stride"), ("columns", "output_column_stride"),
    )),
}  # fmt: skip
_ACCESS: dict[tuple[str, int], Access] = {
    ("mf_copy", 0): Access((("dims", "input_stride"),), signed=True),
    ("mf_copy", OUTPUT): Access((("dims", "output_stride"),), signed=True),
    **{(name, 0): Access((("dims", "stride1"),)) for name in BINARY},
    **{(name, 1): Access((("dims", "stride2"),)) for name in BINARY},
    **{(f"mf_batch_matmul_{suffix}", position): access
       for suffix in _TYPES for position, access in _MATMUL.items()},
    **{(f"mf_fully_connected_{suffix}", OUTPUT): Access((
        ("rows", "output_row_stride"), ("channels", None),
    )) for suffix in _TYPES},
    **{(f"mf_sum_{suffix}", 0): _SUM for suffix in _TYPES},
    ("mf_reduce_max_s8", 0): Access((("kept", "kept_stride"), ("reduced", "reduced_stride"))),
}  # fmt: skip


def has_strides(call: Call, position: int) -> bool:
    """Whether the kernel's parameters say with strides what it reads of an operand, or writes."""
    return (call.function, position) in _ACCESS


def accessed(call: Call, position: int, loops: Sequence[int] = ()) -> npt.NDArray[np.int64] | None:
    """The place in its tensor of every element that a call reads of an operand, or writes.

    In a step that loops, the loops are the first axes. None for a kernel whose parameters have no
    strides there, and for a tensor too large to look at.
    """
    access = _ACCESS.get((call.function, position))
    if access is None:
        return None
    dims, strides = _sizes(call, access), _strides(call, access)
    if np.prod((*loops, *dims), dtype=np.float64) > _MAX_ELEMENTS:
        return None
    operand = call.output if position == OUTPUT else call.operands[position]
    slot = operand if isinstance(operand, Slot) else Slot(-1)  # a table's first element
    advance = slot.advance or (0,) * len(loops)
    return places((*loops, *dims), (*advance, *strides), slot.offset)


def with_access(
    call: Call, position: int, tensor: int, found: npt.NDArray[np.int64], loops: Sequence[int] = ()
) -> Call | None:
    """The call with these places of a tensor instead; they are as `accessed` gives them.

    None where no strides do that the kernel can take.
    """
    access = _ACCESS[call.function, position]
    regular = strides_of(found)
    if regular is None or (min(regular[1], default=0) < 0 and not access.signed):
        return None
    offset, strides = regular
    slot = Slot(tensor, offset, tuple(strides[: len(loops)]))
    strides = strides[len(loops) :]
    fields: dict[str, Value] = dict(call.fields)
    for sizes, name in access.axes:
        count = len(_numbers(call.fields, sizes))
        taken, strides = strides[:count], strides[count:]
        if name is not None:
            _set(fields, name, taken)
        elif taken[0] not in (0, 1):
            return None
    if position == OUTPUT:
        return replace(call, fields=fields, output=slot, in_place=())
    operands = (*call.operands[:position], slot, *call.operands[position + 1 :])
    kept = tuple(at for at in call.in_place if at != position)
    return replace(call, fields=fields, operands=operands, in_place=kept)


def _sizes(call: Call, access: Access) -> list[int]:
    return [size for name, _ in access.axes for size in _numbers(call.fields, name)]


def _strides(call: Call, access: Access) -> list[int]:
    return [
        stride
        for _, name in access.axes
        for stride in (_numbers(call.fields, name) if name else [1])
    ]


def _numbers(fields: Mapping[str, Value], name: str) -> list[int]:
    found: Any = fields
    for part in name.split("."):
        found = found[part]
    return cast("list[int]", found) if isinstance(found, list) else [cast("int", found)]


def _set(fields: dict[str, Value], name: str, strides: Sequence[int]) -> None:
    first, _, rest = name.partition(".")
    if rest:
        inner = dict(cast("Mapping[str, Value]", fields[first]))
        _set(inner, rest, strides)
        fields[first] = inner
    else:
        fields[first] = list(strides) if isinstance(fields[first], list) else strides[0]
