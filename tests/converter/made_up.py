"""Conversion results of any size, put together by hand: what reports are tested on.

The models are networks of conventional layers that nobody runs; the figures are drawn from a fixed
seed. Every third op or so is suspect or broken, so that each way of showing an op occurs.
"""

from pathlib import Path

import numpy as np

from converter.checks.agreement import Accuracy, Agreement
from converter.checks.op_check import (
    Cause,
    CauseKind,
    Codes,
    Histogram,
    OpCheck,
    OpError,
    Sources,
    Verdict,
)
from converter.fixes.score import FixItem, Score
from converter.result import Conversion
from midfuse.core.macs import op_macs
from midfuse.core.tflite_file import Op, Quantization, Tensor, TFLiteModel

_KINDS = ("FULLY_CONNECTED", "SOFTMAX", "ADD", "BATCH_MATMUL", "RESHAPE")
_WIDTH = 24


def made_up_model(ops: int, names: str = "layers") -> TFLiteModel:
    """A chain of ops on (1, 8, 24); every fifth has weights, channel 3 an outlier."""
    rng = np.random.default_rng(1)
    one = Quantization(np.array([0.05], np.float32), np.array([0]))
    tensors = [Tensor(0, f"{names}/input", "int8", (1, 8, _WIDTH), one, None)]
    made = []
    for index in range(ops):
        kind = _KINDS[index % len(_KINDS)]
        inputs = [len(tensors) - 1]
        if kind == "FULLY_CONNECTED":
            data = rng.integers(-127, 128, (_WIDTH, _WIDTH)).astype(np.int8)
            scales = rng.uniform(0.001, 0.002, _WIDTH).astype(np.float32)
            scales[3] *= 12
            per_channel = Quantization(scales, np.zeros(_WIDTH, np.int64), 0)
            inputs.append(len(tensors))
            tensors.append(Tensor(len(tensors), f"w{index}", "int8", data.shape, per_channel, data))
        elif kind in ("ADD", "BATCH_MATMUL"):
            inputs.append(0)
        name = f"{names}/{index}/{kind.lower()}"
        made.append(Op(index, kind, tuple(inputs), (len(tensors),)))
        tensors.append(Tensor(len(tensors), name, "int8", (1, 8, _WIDTH), one, None))
    return TFLiteModel(
        path=Path("made_up_int8.tflite"),
        content=bytes(40_000),
        tensors=tensors,
        ops=made,
        inputs=(0,),
        outputs=(len(tensors) - 1,),
        input_names=("input",),
        output_names=("output",),
    )


def _error(rng: np.random.Generator, sqnr: float) -> OpError:
    mean = float(rng.uniform(0.2, 1.5))
    return OpError(mean * 0.05, mean, mean, 20 * mean, sqnr, sqnr - 2, 1 - 10 ** (-sqnr / 10))


def _histogram(rng: np.random.Generator) -> Histogram:
    edges = np.linspace(-6.4, 6.35, 65)
    values = rng.standard_normal(20_000) * 1.5
    values[:20] *= 8
    bins = [-np.inf, *edges, np.inf]
    float_counts, _ = np.histogram(values, bins)
    int8_counts, _ = np.histogram(np.clip(np.round(values / 0.05) * 0.05, -6.4, 6.35), bins)
    return Histogram(edges, float_counts, int8_counts)


def made_up_check(model: TFLiteModel, index: int, names: str = "layers") -> OpCheck:
    """One op's check: of every 20, the 7th is suspect and the 12th is broken."""
    rng = np.random.default_rng(100 + index)
    op = model.ops[index]
    tensor = model.tensors[op.outputs[0]]
    verdict, cause = Verdict.FINE, None
    accumulated, local = rng.uniform(25, 38), rng.uniform(36, 48)
    if index % 20 == 7:
        verdict, accumulated, local = Verdict.SUSPECT, rng.uniform(18, 22), rng.uniform(22, 26)
        cause = Cause(
            CauseKind.FEW_CODES,
            "its output spans -0.1 to 0.4, its range is -6.4 to 6.35: 9% of the codes are in use",
        )
    elif index % 20 == 12:
        verdict, accumulated, local = Verdict.BROKEN, rng.uniform(3, 6), rng.uniform(5, 9)
        cause = Cause(
            CauseKind.OUTLIERS,
            f"channel 3 of {names} reaches 6.4 and sets the range: the typical channel's RMS of 0.1"
            " is 2 steps",
        )
    module = None if op.name == "RESHAPE" else f"{names}.{index // 20}.part.{op.name.lower()}"
    return OpCheck(
        index=index,
        op=op.name,
        tensor=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=float(tensor.scale),
        zero_point=tensor.zero_point,
        macs=op_macs(model, op),
        node=None if module is None else f"/{names}.{index // 20}/part/{op.name}",
        module=module,
        accumulated=_error(rng, accumulated),
        local=_error(rng, local),
        sources=Sources(
            local + 4, local + 9 if op.name == "FULLY_CONNECTED" else None, local, None
        ),
        codes=Codes(0.001, 0.002, 0.0005, 0.71),
        histogram=_histogram(rng),
        verdict=verdict,
        cause=cause,
    )


def made_up_fixes(names: str = "layers") -> list[FixItem]:
    """One that was kept, one that was not, one that was."""
    plain, better, best = Score(4.1, 0.71, 0.66), Score(8.3, 0.86, 0.77), Score(24.3, 0.98, 0.8)
    return [
        FixItem("cross-layer equalisation", "channels of one size", plain, better, True),
        FixItem("bias correction", "biases", better, Score(8.4, 0.86, 0.76), False),
        FixItem("int16 for 2 tensors", f"{names}/1, {names}/2", better, best, True),
    ]


def made_up_result(ops: int, names: str = "layers") -> Conversion:
    """A conversion's result of so many ops; `names` begins every name that a model brings."""
    model = made_up_model(ops, names)
    return Conversion(
        name=names,
        model=model,
        float_model=model,
        float_error=2e-6,
        ranges={},
        trained=0,
        observed=5,
        checks=[made_up_check(model, index, names) for index in range(ops)],
        calibration_windows=500,
        check_windows=100,
        agreement=Agreement(400, True, 400, 391, 24.3, Accuracy(400, 330, 330, 327)),
        missed=["the outputs' SQNR is 24.3 dB, at least 30 dB are asked for (--min-sqnr)"],
        fixes=made_up_fixes(names),
        card=None,
        files=[],
    )
