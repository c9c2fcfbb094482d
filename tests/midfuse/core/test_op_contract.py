"""Who adds an op's record is told what else the op needs."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_tools.board.registry import RUNTIME
from firmware_tools.compiler import compile_model
from firmware_tools.compiler.lowering import LOWERINGS
from midfuse.core import ops_page
from midfuse.core.ops import INT8, OPS, OpRecord
from tests.firmware_tools.compiler.cases import CASES
from tests.firmware_tools.compiler.cases.strategies import Draw
from tests.support.random_ops import independent_ops

_DECLARED = {
    name
    for header in RUNTIME.rglob("*.h")
    for name in re.findall(r"^void (mf_\w+)\(", header.read_text(encoding="ascii"), re.MULTILINE)
}


def missing(records: dict[str, OpRecord], draw: Draw) -> list[str]:
    """What the ops of these records lack, a line each that says where it goes."""
    found = []
    page = ops_page.PAGE.read_text(encoding="utf-8")
    for name in records:
        cases = [kind for kind in CASES if kind.partition(" ")[0] == name]
        if name not in LOWERINGS:
            found.append(f"{name}: no lowering: firmware_tools/compiler/lowering/__init__.py")
        if not cases:
            found.append(f"{name}: no random test case: tests/firmware_tools/compiler/cases")
        if name not in LOWERINGS or not cases or not _kernels(cases[0], draw) <= _DECLARED:
            found.append(f"{name}: no kernel that can be tried: firmware_tools/runtime")
        if f"| {name} |" not in page:
            found.append(f"{name}: no row in docs/ops.md: make docs")
    return found


def _kernels(kind: str, draw: Draw) -> set[str]:
    """The functions that a random op of a kind comes down to."""
    model = independent_ops([kind], draw, set())
    with TemporaryDirectory() as folder:
        compiled = compile_model(model, Path(folder))
    return {call.function for step in compiled.program.steps for call in step.calls}


once = settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))


@once
@given(data=st.data())
def test_every_op_has_what_it_needs(data: st.DataObject) -> None:
    assert missing(OPS, data.draw) == []


@once
@given(data=st.data())
def test_a_record_alone_is_told_what_is_missing(data: st.DataObject) -> None:
    made_up = OpRecord("FROBNICATE", (INT8,))
    assert missing(OPS | {made_up.name: made_up}, data.draw) == [
        "FROBNICATE: no lowering: firmware_tools/compiler/lowering/__init__.py",
        "FROBNICATE: no random test case: tests/firmware_tools/compiler/cases",
        "FROBNICATE: no kernel that can be tried: firmware_tools/runtime",
        "FROBNICATE: no row in docs/ops.md: make docs",
    ]


@pytest.mark.parametrize("name", LOWERINGS)
def test_what_is_lowered_has_a_record(name: str) -> None:
    assert name in OPS


def test_what_the_quantiser_takes_an_op_for_is_known_to_it() -> None:
    from ai_edge_quantizer.qtyping import TFLOperationName

    known = {each.value for each in TFLOperationName}
    assert {record.quantised_as for record in OPS.values()} - {""} <= known
