"""The arena plan: nothing that lives is overwritten, and nothing is wasted that need not be."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_tools.compiler import compile_model
from firmware_tools.compiler.lowering import lower
from firmware_tools.compiler.passes import run_passes
from firmware_tools.compiler.plan import plan_arena
from midfuse.core.tflite_file import TFLiteModel, parse_tflite, read_tflite
from tests.support.paths import DATA

pytest.importorskip("tflite_micro", reason="the schema to build models with is in its wheel")
from tests.support.tflite_builder import TFLiteBuilder, schema

# What the arenas were to fit when the compiler was planned.
KILOBYTES = {"transformer_relu_int8": 10, "transformer_ln_int8": 22, "cnn_har_int8": 8}
MODELS = sorted(DATA.glob("*.tflite"))
by_name = pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)


@by_name
def test_no_step_overwrites_what_is_read_later(path: Path) -> None:
    replay(read_tflite(path))


def test_no_step_overwrites_what_is_read_later_of_several_outputs() -> None:
    """Outputs of one op, some of them never read, ops of several calls, and ops without any."""
    b = TFLiteBuilder()
    x = b.input((4, 6), 0.5, 0)
    rows = [b.tensor((6,), 0.5, 0) for _ in range(4)]
    b.op("UNPACK", [x], rows, _options("UnpackOptionsT", num=4, axis=0))
    shaped = b.tensor((1, 6), 0.5, 0)
    b.op("EXPAND_DIMS", [rows[0], b.numbers([0])], shaped)
    padded = b.tensor((3, 6), 0.5, 0)
    margins = b.tensor((2, 2), dtype="int32", data=np.array([[1, 1], [0, 0]], np.int32))
    b.op("PAD", [shaped, margins], padded)
    halves = [b.tensor((3, 3), 0.5, 0) for _ in range(2)]
    b.op("SPLIT", [b.numbers([1]), padded], halves, _options("SplitOptionsT", numSplits=2))
    summed = b.tensor((6,), 0.5, 0)
    b.op("ADD", [rows[1], rows[3]], summed, _options("AddOptionsT"))
    flat = b.tensor((9,), 0.5, 0)
    b.op("RESHAPE", [halves[1], b.numbers([9])], flat)
    joined = b.tensor((15,), 0.5, 0)
    b.op("CONCATENATION", [flat, summed], joined, _options("ConcatenationOptionsT", axis=0))
    b.outputs = [joined, rows[2]]
    replay(parse_tflite(b.content(), Path("several.tflite")))


def _options(kind: str, **fields: int) -> Any:
    options = getattr(schema, kind)()
    for name, value in fields.items():
        setattr(options, name, value)
    return options


def replay(model: TFLiteModel) -> None:
    """Replays the calls on a map of what each byte holds; every read must find what it names."""
    program = lower(model)
    plan = plan_arena(program, observable=False)
    holds: list[int | None] = [None] * plan.size

    def span(tensor: int) -> slice:
        return slice(plan.offsets[tensor], plan.offsets[tensor] + model.tensors[tensor].bytes)

    def write(tensor: int) -> None:
        holds[span(tensor)] = [program.storage(tensor).tensor] * model.tensors[tensor].bytes

    def check(tensor: int) -> None:
        assert set(holds[span(tensor)]) == {program.storage(tensor).tensor}

    for index in model.inputs:
        write(index)
    for step in program.steps:
        for call in step.calls:
            for slot in call.reads:
                check(slot.tensor)
            write(call.output.tensor)
    for index in model.outputs:
        check(index)


@by_name
def test_observable_tensors_share_only_through_reshape(path: Path) -> None:
    model = read_tflite(path)
    plan = plan_arena(lower(model), observable=True)
    reshaped = {op.outputs[0] for op in model.ops if op.name == "RESHAPE"}
    spans = sorted(
        (offset, offset + model.tensors[index].bytes)
        for index, offset in plan.offsets.items()
        if index not in reshaped
    )
    for (_, end), (start, _) in pairwise(spans):
        assert end <= start


@by_name
def test_arena_is_as_small_as_what_lives_at_once(path: Path, tmp_path: Path) -> None:
    model = read_tflite(path)
    plan = plan_arena(run_passes(lower(model)), observable=False)
    assert plan.lives.peak <= plan.size <= max(1.05 * plan.lives.peak, plan.lives.peak + 64)
    assert plan.size <= KILOBYTES[path.stem] * 1024
    assert compile_model(model, tmp_path).arena_bytes == plan.size


def test_same_model_gives_the_same_c(tmp_path: Path) -> None:
    model = read_tflite(MODELS[0])
    for name in ("a", "b"):
        compile_model(model, tmp_path / name)
    assert (tmp_path / "a" / "model.c").read_bytes() == (tmp_path / "b" / "model.c").read_bytes()
