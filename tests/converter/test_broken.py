"""A network broken for int8 on purpose: the first broken op named is right, and so is its cause."""

from pathlib import Path

import numpy as np
import pytest

import converter
from converter.checks.causes import OpMeasures, TensorMeasures, judge
from converter.checks.measure import CodeSums, Signal
from converter.checks.op_check import CauseKind, OpCheck, OpError, Sources, Verdict, first_broken
from converter.checks.per_op import check_ops_against_float
from converter.lowering.names import Origin
from converter.pipeline import convert_model
from converter.quantising.quantise import quantise_model
from converter.quantising.ranges import minmax_ranges
from converter.reading.windows import Windows
from converter.result import Conversion
from midfuse.core.tflite_file import Op, Quantization, Tensor
from tests.converter.conftest import sensor_windows
from tests.support.paths import ROOT

BROKEN = ROOT / "examples" / "broken_model.py"


def _windows(count: int = 120) -> Windows:
    return Windows([sensor_windows(count, seed=1)["acc"][:, None, :64]])


def _convert(factory: str, out: Path) -> Conversion:
    acc = _windows().inputs[0][:, 0]
    limits = converter.Limits(min_sqnr_db=10.0)
    return convert_model(f"{BROKEN}:{factory}", {"acc": acc}, limits=limits, out=out)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    return _convert("healthy", tmp_path_factory.mktemp("healthy") / "out")


def test_nothing_is_wrong_with_the_healthy_one(healthy: Conversion) -> None:
    assert {check.verdict for check in healthy.checks} == {Verdict.FINE}
    assert {check.cause for check in healthy.checks} == {None}
    assert healthy.missed == []


@pytest.mark.parametrize(
    ("factory", "op", "module", "kind", "words"),
    [
        ("outlier_channel", "CONV_2D", "stem", CauseKind.OUTLIERS, "channel 5 reaches"),
        ("outlier_weights", "CONV_2D", "mix", CauseKind.WEIGHTS, "its weights, rounded"),
        ("saturating", "LOGISTIC", None, CauseKind.SATURATION, "driven to its ends"),
        ("tiny_variance", "SQUARED_DIFFERENCE", "norm", CauseKind.CANCELLATION, "inputs cancel"),
        ("huge_logits", "SOFTMAX", "attention", CauseKind.STEEP, "multiplies an exponential"),
    ],
)
def test_the_first_broken_op_and_its_cause(
    factory: str, op: str, module: str | None, kind: CauseKind, words: str, tmp_path: Path
) -> None:
    result = _convert(factory, tmp_path / "out")
    first = first_broken(result.checks)
    assert first is not None
    assert (first.op, first.module) == (op, module)
    assert first.cause is not None
    assert first.cause.kind is kind
    assert words in first.cause.sentence
    before = result.checks[: first.index]
    assert {check.verdict for check in before} == {Verdict.FINE}
    assert {check.index for check in before} == set(range(first.index))


def _check(result: Conversion, calibrated: Windows, tensor: str, share: float) -> list[OpCheck]:
    """Quantise once more with the range of one tensor (all where "") cut down to a share."""
    ranges = {
        name: (share * low, share * high) if tensor in (name, "") else (low, high)
        for name, (low, high) in minmax_ranges(result.float_model, calibrated).items()
    }
    int8 = quantise_model(result.float_model, ranges, Path("again.tflite"), "again")
    return check_ops_against_float(int8, result.float_model, _windows(), {})


@pytest.mark.parametrize("factor", [9.81, 1 / 9.81])
def test_calibration_on_another_scale(factor: float, healthy: Conversion) -> None:
    """m/s² calibrate what runs on g, and the other way round: the input is named."""
    (acc,) = _windows().inputs
    other = Windows([(acc * np.float32(factor)).astype(np.float32)])
    first = next(c for c in _check(healthy, other, "", 1.0) if c.verdict is not Verdict.FINE)
    assert first.index == 0
    assert first.cause is not None
    assert first.cause.kind is CauseKind.SCALE
    assert "input acc spans" in first.cause.sentence


def test_a_range_that_cuts_values_off(healthy: Conversion) -> None:
    stem = next(check for check in healthy.checks if check.op == "CONV_2D")
    checks = _check(healthy, _windows(), stem.tensor, 0.15)
    first = first_broken(checks)
    assert first is not None
    assert first.index == stem.index
    assert first.cause is not None
    assert first.cause.kind is CauseKind.SATURATION
    assert "cut off" in first.cause.sentence
    assert first.codes.clipped > 0.1
    assert first.codes.highest > 0.1


def test_a_range_far_too_wide_leaves_few_codes(healthy: Conversion) -> None:
    stem = next(check for check in healthy.checks if check.op == "CONV_2D")
    first = first_broken(_check(healthy, _windows(), stem.tensor, 60.0))
    assert first is not None
    assert first.index == stem.index
    assert first.cause is not None
    assert first.cause.kind is CauseKind.FEW_CODES
    assert first.codes.used < 0.05


def test_a_kernel_that_is_off_is_named() -> None:
    """Inputs, weights and output are fine: what is left is the arithmetic."""
    rng = np.random.default_rng(0)
    quantization = Quantization(np.array([0.02], np.float32), np.array([0]))
    tensors = {}
    for index in range(2):
        tensor = Tensor(index, f"t{index}", "int8", (1, 8), quantization, None)
        values = rng.uniform(-2, 2, (50, 1, 8)).astype(np.float32)
        signal, codes = Signal(), CodeSums(tensor)
        signal.add(values)
        codes.add(values, np.rint(values / 0.02).astype(np.int8))
        tensors[index] = TensorMeasures(tensor, signal, codes, 40.0)
    error = OpError(0.1, 0.2, 5.0, 10.0, 5.0, 5.0, 0.9)
    sources = Sources(inputs_db=40.0, weights_db=None, output_db=40.0, kernel_db=5.0)
    measures = OpMeasures(Op(0, "MUL", (0,), (1,)), 0, error, error, sources)
    origins = {"t1": Origin("/scale/Mul", "Mul", "scale")}
    (check,) = judge([measures], tensors, origins)
    assert check.verdict is Verdict.BROKEN
    assert (check.node, check.module) == ("/scale/Mul", "scale")
    assert check.cause is not None
    assert check.cause.kind is CauseKind.KERNEL
    assert "alone leaves 5.0 dB" in check.cause.sentence
