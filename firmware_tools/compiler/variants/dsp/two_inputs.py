"""How the element-wise kernels walk over two inputs; mf_two_inputs_dsp.h has the loops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from firmware_tools.compiler.lowering.common import Axis, merge_axes, pad_left
from firmware_tools.compiler.program import Call, Value

_SHORTEST_ROW = 4
_T = TypeVar("_T")


@dataclass(frozen=True)
class TwoInputs:
    """The axes of two inputs, as few as can be. `swapped`: the kernel takes the second one first;
    `symmetric`: it could take either."""

    axes: tuple[Axis, ...]
    swapped: bool
    symmetric: bool

    def ordered(self, pair: Sequence[_T]) -> tuple[_T, _T]:
        """What belongs to either input, that of the kernel's first one first."""
        return (pair[1], pair[0]) if self.swapped else (pair[0], pair[1])

    def calls(self, call: Call, name: str, form: Mapping[str, Value]) -> list[Call]:
        """The kernel in the call's place."""
        first, second = self.ordered((0, 1))
        axes = {
            "dims": pad_left([axis.size for axis in self.axes], 1),
            "stride1": pad_left([axis.strides[first] for axis in self.axes], 0),
            "stride2": pad_left([axis.strides[second] for axis in self.axes], 0),
        }
        alike = "" if self.symmetric else "_alike"
        return [
            Call(
                f"dsp/mf_{name}_s8_dsp", f"mf_{name}{alike}_s8_dsp", f"mf_{name}_dsp_params",
                {"axes": axes, "form": form}, self.ordered(call.operands), call.output,
                tuple(self.ordered((0, 1))[position] for position in call.in_place),
            )
        ]  # fmt: skip


def two_inputs(call: Call) -> TwoInputs | None:
    """Not for rows of a few elements. Along them one input is contiguous, the other is too or is
    one element there."""
    names = ("dims", "stride1", "stride2")
    columns = [cast(list[int], call.fields[name]) for name in names]
    axes = merge_axes([Axis(n, (s1, s2)) for n, s1, s2 in zip(*columns, strict=True)])
    if not axes or axes[-1].size < _SHORTEST_ROW:
        return None
    last = axes[-1].strides
    if last not in ((1, 1), (1, 0), (0, 1)):
        return None
    return TwoInputs(tuple(axes), swapped=last == (0, 1), symmetric=last == (1, 1))
