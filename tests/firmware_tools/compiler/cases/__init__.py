"""One function an op that adds a random instance of it to a model, by family; `CASES` has all."""

from tests.firmware_tools.compiler.cases import (
    conversion,
    elementwise,
    layout,
    matrix,
    reduction,
    unary,
    window,
)
from tests.firmware_tools.compiler.cases.strategies import AddOp

CASES: dict[str, AddOp] = {
    **conversion.CASES,
    **elementwise.CASES,
    **layout.CASES,
    **matrix.CASES,
    **reduction.CASES,
    **unary.CASES,
    **window.CASES,
}
