"""Each graph pass alone: what it takes away, where it must not, and that the bytes stay TFLM's."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_tools.compiler.liveness import find_lives
from firmware_tools.compiler.lowering import lower
from firmware_tools.compiler.passes import Pass, run_passes
from firmware_tools.compiler.passes.clamps import fold_clamps
from firmware_tools.compiler.passes.dead import drop_dead
from firmware_tools.compiler.passes.fills import narrow_fills
from firmware_tools.compiler.passes.lookups import drop_identities, merge_lookups
from firmware_tools.compiler.passes.read_through import read_through_copies
from firmware_tools.compiler.passes.rewriting import resolve_parts
from firmware_tools.compiler.passes.slabs import work_in_slabs
from firmware_tools.compiler.passes.tabulate import tabulate
from firmware_tools.compiler.passes.views import place_parts, view_slices
from firmware_tools.compiler.passes.write_through import write_through_copies
from firmware_tools.compiler.program import Program
from midfuse.core.tflite_file import parse_tflite

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases.strategies import scales, zero_points
from tests.support.host_build import random_windows, run_compiled, run_oracle
from tests.support.tflite_builder import TFLiteBuilder, schema

SCALE = 0.05


class Model(TFLiteBuilder):
    """Ops on one scale, so that a test reads as its graph does."""

    def act(self, *shape: int, scale: float = SCALE, zero: int = 3) -> int:
        return self.tensor(shape, scale, zero)

    def made(self, name: str, inputs: list[int], out: int, kind: str = "", **fields: Any) -> int:
        options = getattr(schema, kind)() if kind else None
        for field, value in fields.items():
            setattr(options, field, value)
        self.op(name, inputs, out, options)
        return out

    def add(self, a: int, b: int, *shape: int) -> int:
        return self.made("ADD", [a, b], self.act(*shape), "AddOptionsT")

    def relu(self, x: int, *shape: int, **quantized: Any) -> int:
        return self.made("RELU", [x], self.act(*shape, **quantized))

    def transpose(self, x: int, order: list[int], *shape: int) -> int:
        return self.made("TRANSPOSE", [x, self.numbers(order)], self.act(*shape))

    def concat(self, parts: list[int], axis: int, *shape: int) -> int:
        return self.made(
            "CONCATENATION", parts, self.act(*shape), "ConcatenationOptionsT", axis=axis
        )

    def matmul(self, a: int, b: int, *shape: int, **options: bool) -> int:
        return self.made("BATCH_MATMUL", [a, b], self.act(*shape), "BatchMatMulOptionsT", **options)

    def dense(self, x: int, depth: int, *shape: int) -> int:
        values = np.random.default_rng(depth).integers(-127, 128, (shape[-1], depth))
        weights = self.tensor((shape[-1], depth), 0.01, data=values.astype(np.int8))
        out = self.act(*shape)
        return self.made("FULLY_CONNECTED", [x, weights, -1], out, "FullyConnectedOptionsT")

    def softmax(self, x: int, *shape: int) -> int:
        out = self.tensor(shape, 1 / 256, -128)
        return self.made("SOFTMAX", [x], out, "SoftmaxOptionsT", beta=1.0)


def after(b: TFLiteBuilder, folder: Path, *passes: Pass) -> Program:
    """The program after the passes, whose compiled outputs have been compared with TFLM's."""
    model = parse_tflite(b.content(), folder / "model.tflite")
    windows = random_windows(model, 5, np.random.default_rng(3))
    run = (resolve_parts, *passes)
    ours = run_compiled(model, windows, folder, observable=False, passes=run)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=False))
    return run_passes(lower(model), run)


def kernels(program: Program) -> Counter[str]:
    return Counter(call.kernel.removeprefix("mf_") for call in program.calls)


def peak(program: Program) -> int:
    return find_lives(program, in_place=True).peak


def test_resolve_parts_leaves_no_slot_in_a_reshape(tmp_path: Path) -> None:
    b = Model()
    flat = b.made("RESHAPE", [b.input((2, 6), SCALE, 3), b.numbers([12])], b.act(12))
    b.add(flat, flat, 12)
    program = after(b, tmp_path)
    assert {slot.tensor for call in program.calls for slot in call.reads} == {0}


def test_drop_dead_takes_what_leads_nowhere(tmp_path: Path) -> None:
    b = Model()
    x = b.input((4,), SCALE, 3)
    b.relu(b.relu(x, 4), 4)
    b.outputs = [b.add(x, x, 4)]
    assert kernels(after(b, tmp_path, drop_dead)) == {"add_sub": 1}


BINARY = {
    "ADD": "AddOptionsT",
    "SUB": "SubOptionsT",
    "MUL": "MulOptionsT",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptionsT",
    "MAXIMUM": "MaximumMinimumOptionsT",
    "MINIMUM": "MaximumMinimumOptionsT",
}


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_tabulate_computes_what_the_kernels_do(data: st.DataObject) -> None:
    """Codes of all kinds, with numbers on either side, on any scales, a tensor with itself."""
    b = Model()
    x_scale = data.draw(scales)
    x = b.input((256,), x_scale, data.draw(zero_points))
    zero = b.tensors[x].quantization.zeroPoint[0]
    for name in [*BINARY] * 4:
        same = name in ("MAXIMUM", "MINIMUM")
        scale, at = (x_scale, zero) if same else (data.draw(scales), data.draw(zero_points))
        code = np.array([data.draw(st.integers(-128, 127))], np.int8)
        number = b.tensor((1,), scale, at, data=code)
        out_scale, out_zero = (scale, at) if same else (data.draw(scales), data.draw(zero_points))
        operands = data.draw(st.sampled_from([[x, number], [number, x], [x, x]]))
        b.made(name, operands, b.act(256, scale=out_scale, zero=out_zero), BINARY[name])
    with TemporaryDirectory() as folder:
        assert kernels(after(b, Path(folder), tabulate)) == {"lookup": 4 * len(BINARY)}


def test_tabulate_leaves_two_tensors_and_a_row_of_numbers(tmp_path: Path) -> None:
    b = Model()
    x = b.input((2, 3), SCALE, 3)
    row = b.tensor((3,), SCALE, 3, data=np.array([1, 2, 3], np.int8))
    one = b.input((1,), SCALE, 3)
    column = b.made("SLICE", [x, b.numbers([0, 1]), b.numbers([2, 1])], b.act(2, 1))
    b.outputs = [b.add(x, row, 2, 3), b.add(x, one, 2, 3), b.add(x, column, 2, 3)]
    assert kernels(after(b, tmp_path, tabulate))["add_sub"] == 3


def test_drop_identities_keeps_what_changes_a_code(tmp_path: Path) -> None:
    b = Model()
    x = b.input((4,), SCALE, 3)
    same = b.made("QUANTIZE", [x], b.act(4))
    other = b.made("QUANTIZE", [same], b.act(4, zero=4))
    b.outputs = [same, other]
    program = after(b, tmp_path, drop_identities)
    assert kernels(program) == {"lookup": 1}
    assert program.storage(same).tensor == x


def test_merge_lookups_joins_a_chain(tmp_path: Path) -> None:
    b = Model()
    x = b.made("ABS", [b.input((9,), SCALE, 3)], b.act(9))
    b.relu(b.relu(x, 9, scale=0.03), 9, scale=0.02)
    program = after(b, tmp_path, merge_lookups)
    assert kernels(program) == {"lookup": 1}
    assert program.steps[0].name == "ABS+RELU+RELU"


def test_merge_lookups_leaves_what_is_read_twice(tmp_path: Path) -> None:
    b = Model()
    x = b.relu(b.input((9,), SCALE, 3), 9, scale=0.03)
    b.outputs = [b.relu(x, 9), x]
    assert kernels(after(b, tmp_path, merge_lookups)) == {"lookup": 2}


def test_fold_clamps_narrows_the_kernel_before(tmp_path: Path) -> None:
    b = Model()
    x = b.add(b.input((2, 5), SCALE, 3), b.input((2, 5), SCALE, 3), 2, 5)
    y = b.dense(b.relu(x, 2, 5), 5, 2, 4)
    b.made("RELU6", [y], b.act(2, 4))
    program = after(b, tmp_path, fold_clamps)
    assert kernels(program) == {"add_sub": 1, "fully_connected": 1}
    assert [step.name for step in program.steps] == ["ADD+RELU", "FULLY_CONNECTED+RELU6"]


def test_fold_clamps_leaves_kernels_that_do_not_clamp(tmp_path: Path) -> None:
    """And an activation that moves to another scale, which rounds once more."""
    b = Model()
    x, y = b.input((3, 3), SCALE, 3), b.input((3, 3), SCALE, 3)
    larger = b.made("MAXIMUM", [x, y], b.act(3, 3), "MaximumMinimumOptionsT")
    product = b.matmul(b.relu(larger, 3, 3), y, 3, 3)
    total = b.add(b.relu(product, 3, 3), y, 3, 3)
    b.relu(total, 3, 3, scale=0.04)
    assert kernels(after(b, tmp_path, fold_clamps))["lookup"] == 3


def test_view_slices_takes_runs_out_of_a_tensor(tmp_path: Path) -> None:
    """Along the first axis a SPLIT's parts are runs, along the last they are not."""
    for axis, copies in ((0, 0), (1, 2)):
        b = Model()
        shape = (1, 6) if axis == 0 else (2, 3)
        parts = [b.act(*shape), b.act(*shape)]
        options = schema.SplitOptionsT()
        options.numSplits = 2
        b.op("SPLIT", [b.numbers([axis]), b.input((2, 6), SCALE, 3)], parts, options)
        b.add(parts[0], parts[1], *shape)
        assert kernels(after(b, tmp_path / str(axis), view_slices))["copy"] == copies


def test_view_slices_never_lengthens_a_life_at_the_peak(tmp_path: Path) -> None:
    """A small part would keep its large tensor alive beside the widest layer."""
    b = Model()
    x = b.relu(b.input((8, 8), SCALE, 3), 8, 8)
    first = b.made("SLICE", [x, b.numbers([0, 0]), b.numbers([1, 8])], b.act(1, 8))
    wide = b.dense(b.dense(x, 8, 8, 16), 16, 8, 16)
    mean = b.made("MEAN", [wide, b.numbers([0, 1])], b.act(1, 1), "ReducerOptionsT", keepDims=True)
    b.add(first, mean, 1, 8)
    program = after(b, tmp_path, view_slices)
    assert kernels(program)["copy"] == 1


def test_read_through_composes_strides(tmp_path: Path) -> None:
    """A slice and two TRANSPOSEs before kernels that read with strides."""
    b = Model()
    x = b.input((6, 4), SCALE, 3)
    part = b.made("SLICE", [x, b.numbers([0, 1]), b.numbers([6, 2])], b.act(6, 2))
    turned = b.transpose(b.transpose(part, [1, 0], 2, 6), [1, 0], 6, 2)
    product = b.matmul(b.transpose(turned, [1, 0], 2, 6), b.input((6, 3), SCALE, 3), 2, 3)
    total = b.add(turned, part, 6, 2)
    mean = b.made("MEAN", [turned, b.numbers([0])], b.act(2), "ReducerOptionsT")
    b.outputs = [product, total, mean, b.add(x, x, 6, 4)]
    assert kernels(after(b, tmp_path, read_through_copies))["copy"] == 0


def test_read_through_stops_at_strides_that_a_kernel_cannot_take(tmp_path: Path) -> None:
    """Backwards, and rows that are split in two."""
    b = Model()
    x = b.input((4, 6), SCALE, 3)
    flipped = b.made(
        "STRIDED_SLICE", [x, b.numbers([-1, 0]), b.numbers([-9, 6]), b.numbers([-1, 1])],
        b.act(4, 6), "StridedSliceOptionsT", endMask=1,
    )  # fmt: skip
    total = b.add(flipped, x, 4, 6)
    flat = b.made("RESHAPE", [b.transpose(x, [1, 0], 6, 4), b.numbers([24])], b.act(24))
    b.outputs = [total, b.dense(flat, 24, 1, 3)]
    assert kernels(after(b, tmp_path, read_through_copies))["copy"] == 2


def test_write_through_turns_the_product_itself(tmp_path: Path) -> None:
    b = Model()
    heads = b.matmul(b.input((2, 5, 4), SCALE, 3), b.input((2, 4, 3), SCALE, 3), 2, 5, 3)
    b.relu(b.transpose(heads, [1, 0, 2], 5, 2, 3), 5, 2, 3)
    assert kernels(after(b, tmp_path, write_through_copies)) == {"batch_matmul": 1, "lookup": 1}


def test_write_through_joins_layers_side_by_side(tmp_path: Path) -> None:
    b = Model()
    x = b.input((5, 4), SCALE, 3)
    b.concat([b.dense(x, 4, 5, 3), b.dense(x, 4, 5, 2)], 1, 5, 5)
    assert kernels(after(b, tmp_path, write_through_copies)) == {"fully_connected": 2}


def test_write_through_leaves_a_slice_of_a_layer(tmp_path: Path) -> None:
    """The rest of the layer would have no place to go."""
    b = Model()
    y = b.dense(b.input((5, 4), SCALE, 3), 4, 5, 4)
    b.made("SLICE", [y, b.numbers([0, 1]), b.numbers([5, 2])], b.act(5, 2))
    assert kernels(after(b, tmp_path, write_through_copies))["copy"] == 1


@pytest.mark.parametrize("passes", [(narrow_fills,), (narrow_fills, place_parts), (place_parts,)])
def test_padding_in_place(passes: tuple[Pass, ...], tmp_path: Path) -> None:
    """Margins before and behind are filled alone; only then may the middle be made in its place."""
    b = Model()
    x = b.dense(b.input((3, 4), SCALE, 3), 4, 3, 4)
    margins = b.tensor((2, 2), dtype="int32", data=np.array([[2, 1], [0, 0]], np.int32))
    b.made("PAD", [x, margins], b.act(6, 4))
    program = after(b, tmp_path, *passes)
    fills = [call.number("count") for call in program.calls if call.kernel == "mf_fill"]
    assert fills == ([8, 4] if narrow_fills in passes else [24])
    assert kernels(program)["copy"] == (0 if len(passes) == 2 else 1)


def test_padding_on_all_sides_is_filled_whole(tmp_path: Path) -> None:
    b = Model()
    x = b.dense(b.input((3, 4), SCALE, 3), 4, 3, 4)
    margins = b.tensor((2, 2), dtype="int32", data=np.array([[1, 1], [1, 1]], np.int32))
    b.made("PAD", [x, margins], b.act(5, 6))
    program = after(b, tmp_path, narrow_fills, write_through_copies, place_parts)
    assert kernels(program) == {"fully_connected": 1, "fill": 1, "copy": 1}


def test_place_parts_makes_each_part_where_it_is_joined(tmp_path: Path) -> None:
    """A part that is joined twice is made in one place and copied to the other."""
    b = Model()
    x, y = b.input((2, 3), SCALE, 3), b.input((2, 3), SCALE, 3)
    first, second = b.add(x, y, 2, 3), b.add(y, y, 2, 3)
    joined = b.concat([first, second, first], 0, 6, 3)
    b.outputs = [joined, second]
    program = after(b, tmp_path, place_parts)
    assert kernels(program) == {"add_sub": 2, "copy": 1}
    assert program.storage(second).tensor == joined


def attention(b: Model, heads: int, rows: int, depth: int) -> None:
    q, k, v = (b.input((heads, rows, depth), SCALE, 3) for _ in range(3))
    scores = b.matmul(q, k, heads, rows, rows, adjY=True)
    masked = b.add(scores, b.input((1, rows, rows), SCALE, 3), heads, rows, rows)
    weights = b.softmax(b.relu(masked, heads, rows, rows), heads, rows, rows)
    b.matmul(weights, v, heads, rows, depth)


@pytest.mark.parametrize("heads", [1, 3])
def test_slabs_hold_one_row_of_the_scores(heads: int, tmp_path: Path) -> None:
    b = Model()
    attention(b, heads, 20, 4)
    before = after(b, tmp_path / "before")
    program = after(b, tmp_path / "after", work_in_slabs)
    assert [step.loops for step in program.steps] == [(20,) if heads == 1 else (heads, 20)]
    assert peak(before) - peak(program) > (heads * 20 - 2) * 20 - heads * 20 * 4


def test_slabs_hold_one_row_of_int16_scores(tmp_path: Path) -> None:
    """Products and SOFTMAX of int16, with a QUANTIZE from int8 and back on the way."""
    b = Model()
    q, k = (b.input((2, 16, 4), 0.001, 0, dtype="int16") for _ in range(2))
    v = b.input((2, 16, 4), SCALE, 3)
    scores = b.tensor((2, 16, 16), 1e-5, dtype="int16")
    b.made("BATCH_MATMUL", [q, k], scores, "BatchMatMulOptionsT", adjY=True)
    weights = b.tensor((2, 16, 16), 1 / 32768, dtype="int16")
    b.made("SOFTMAX", [scores], weights, "SoftmaxOptionsT", beta=1.0)
    narrow = b.made("QUANTIZE", [weights], b.act(2, 16, 16, scale=1 / 256, zero=-128))
    b.matmul(narrow, v, 2, 16, 4)
    before = after(b, tmp_path / "before")
    program = after(b, tmp_path / "after", work_in_slabs)
    assert [step.loops for step in program.steps] == [(2, 16)]
    row = 16 * (2 + 2 + 1)
    assert peak(program) <= 2 * 256 + 2 * 128 + row < peak(before) - 2 * 15 * 16


def test_slabs_take_the_layers_of_a_token(tmp_path: Path) -> None:
    """Wide layers between narrow ones, with a bias that every row repeats."""
    b = Model()
    x = b.dense(b.input((12, 4), SCALE, 3), 4, 12, 4)
    wide = b.dense(x, 4, 12, 32)
    bias = b.tensor((32,), SCALE, 3, data=np.arange(32, dtype=np.int8))
    y = b.dense(b.relu(b.add(wide, bias, 12, 32), 12, 32), 32, 12, 4)
    b.add(x, y, 12, 4)
    program = after(b, tmp_path, work_in_slabs)
    assert peak(program) < 12 * 4 * 4 + 3 * 32
    assert any(step.loops == (12,) for step in program.steps)


def test_slabs_leave_what_is_too_large_to_look_at(tmp_path: Path) -> None:
    """A mask that every row repeats, on more than 2^20 scores: no row is taken for another's."""
    b = Model()
    rows = 1032
    q, k = (b.input((1, rows, 1), SCALE, 3) for _ in range(2))
    scores = b.add(b.matmul(q, k, 1, rows, rows, adjY=True), b.input((1, 1, rows), SCALE, 3),
                   1, rows, rows)  # fmt: skip
    b.matmul(b.softmax(scores, 1, rows, rows), b.input((1, rows, 1), SCALE, 3), 1, rows, 1)
    program = after(b, tmp_path, work_in_slabs)
    assert peak(program) > 1 << 20


def test_slabs_leave_a_table_that_moves_with_the_rows(tmp_path: Path) -> None:
    """A call that loops reads a table from its start."""
    b = Model()
    wide = b.dense(b.input((6, 4), SCALE, 3), 4, 6, 32)
    values = np.random.default_rng(0).integers(-128, 128, (6, 32)).astype(np.int8)
    moved = b.add(wide, b.tensor((6, 32), SCALE, 3, data=values), 6, 32)
    b.dense(moved, 32, 6, 4)
    program = after(b, tmp_path, work_in_slabs)
    assert all(not step.loops for step in program.steps)
