"""Element-wise ops on two inputs that are functions of one: with a number, or of a tensor with
itself. Their 256 results are a look-up's table."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from firmware_tools.compiler.fixed_point import multiply_by_quantised_multiplier, wrap32
from firmware_tools.compiler.passes.access import accessed
from firmware_tools.compiler.passes.lookups import CODES
from firmware_tools.compiler.passes.rewriting import At, with_calls
from firmware_tools.compiler.program import Call, Constant, Operand, Program, Slot


def tabulate(program: Program) -> Program:
    changes: dict[At, Call | None] = {
        (s, c): _lookup(program, call)
        for s, step in enumerate(program.steps)
        for c, call in enumerate(step.calls)
        if call.function in _ELEMENT and _one_variable(call)
    }
    return with_calls(program, changes)


def _one_variable(call: Call) -> bool:
    """Whether a call reads one tensor in order, and beside it a number or that tensor again."""
    slots = set(call.reads)
    numbers = [o for o in call.operands if isinstance(o, Constant)]
    if len(slots) != 1 or any(number.values.size != 1 for number in numbers):
        return False
    variables = [p for p, o in enumerate(call.operands) if isinstance(o, Slot)]
    found = [accessed(call, position) for position in variables]
    (slot,) = slots
    return all(
        places is not None and np.array_equal(places.ravel(), slot.offset + np.arange(places.size))
        for places in found
    )


def _lookup(program: Program, call: Call) -> Call:
    element, (slot,) = _ELEMENT[call.function], set(call.reads)

    def value(operand: Operand, code: int) -> int:
        return int(operand.values[0]) if isinstance(operand, Constant) else code

    a, b = call.operands
    results = [element(call, value(a, int(code)), value(b, int(code))) for code in CODES]
    dims = call.fields["dims"]
    assert isinstance(dims, list)
    return replace(
        call,
        kernel="mf_lookup",
        function="mf_lookup_s8",
        struct="mf_lookup_params",
        fields={
            "count": int(np.prod(dims)),
            "table": program.tables.constant(np.array(results, np.int8)),
        },
        operands=(slot,),
        in_place=(0,),
    )


def _scaled(call: Call, position: int, code: int) -> int:
    """An input brought to the scale that both share; mf_arithmetic.h has these formulas."""
    above = wrap32((code - call.number(f"zero_point{position}")) << call.number("left_shift"))
    return multiply_by_quantised_multiplier(
        above, call.number(f"multiplier{position}"), call.number(f"shift{position}")
    )


def _output(call: Call, result: int) -> int:
    scaled = multiply_by_quantised_multiplier(
        wrap32(result), call.number("output_multiplier"), call.number("output_shift")
    )
    value = scaled + call.number("output_zero_point")
    return max(call.number("low"), min(call.number("high"), value))


def _add(call: Call, a: int, b: int) -> int:
    return _output(call, _scaled(call, 1, a) + _scaled(call, 2, b))


def _sub(call: Call, a: int, b: int) -> int:
    return _output(call, _scaled(call, 1, a) - _scaled(call, 2, b))


def _mul(call: Call, a: int, b: int) -> int:
    return _output(call, (a - call.number("zero_point1")) * (b - call.number("zero_point2")))


def _squared_difference(call: Call, a: int, b: int) -> int:
    return _output(call, (_scaled(call, 1, a) - _scaled(call, 2, b)) ** 2)


_ELEMENT: dict[str, Callable[[Call, int, int], int]] = {
    "mf_add_s8": _add,
    "mf_sub_s8": _sub,
    "mf_mul_s8": _mul,
    "mf_squared_difference_s8": _squared_difference,
    "mf_maximum_s8": lambda _, a, b: max(a, b),
    "mf_minimum_s8": lambda _, a, b: min(a, b),
}
