"""From measures to a verdict and a cause.

The local error decides, at the lower of two SQNRs: that of all values and that of the median
channel. Below `BROKEN_DB` an op is broken (the error is a third of the signal), below `SUSPECT_DB`
suspect (a tenth). The cause is the part of the op whose rounding alone costs most; where that is
what comes in on a grid that is too coarse already, the op that made the grid is to blame, not this
one. An op that is fine alone is still suspect where what reaches it is broken.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from converter.checks.measure import CodeSums, Signal
from converter.checks.op_check import (
    Cause,
    CauseKind,
    OpCheck,
    OpError,
    Sources,
    Verdict,
    first_broken,
)
from converter.lowering.names import Origin
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import Op, Tensor

BROKEN_DB = 10.0
SUSPECT_DB = 20.0

# A saturating function is driven to its ends by this share of its codes.
_AT_ENDS = 0.3
# A range that the windows fill by less than this was not made from such windows.
_FILLED = 0.5
# An input that is this many times wider or narrower than its range is on another scale; wider only
# where this share of its values is cut off, since rare peaks may be left out on purpose.
_OTHER_SCALE = 3.0
_OTHER_SCALE_CLIPPED = 0.05


@dataclass(frozen=True)
class TensorMeasures:
    """An activation: its float values, its codes, and the SQNR that its grid alone leaves."""

    tensor: Tensor
    signal: Signal
    codes: CodeSums
    grid_db: float | None

    @property
    def range(self) -> tuple[float, float]:
        """The real numbers of the first and the last code."""
        limits, scale = np.iinfo(self.tensor.dtype), float(self.tensor.scale)
        zero = self.tensor.zero_point
        return (int(limits.min) - zero) * scale, (int(limits.max) - zero) * scale

    @property
    def filled(self) -> float:
        """How much of the range the values span; above 1 they are clipped."""
        low, high = self.range
        return (self.signal.high - self.signal.low) / (high - low)

    @property
    def rms(self) -> float:
        """The median over channels with a signal of each one's root mean square."""
        rms = self.signal.rms
        return float(np.median(rms[rms > 0])) if (rms > 0).any() else 0.0


@dataclass(frozen=True)
class OpMeasures:
    """An op of the int8 model and its errors."""

    op: Op
    macs: int
    accumulated: OpError
    local: OpError
    sources: Sources


def judge(
    ops: list[OpMeasures], tensors: Mapping[int, TensorMeasures], origins: Mapping[str, Origin]
) -> list[OpCheck]:
    """A verdict and a cause for every op; `tensors` by index, `origins` by tensor name."""
    made_by = {index: measures.op.index for measures in ops for index in measures.op.outputs}
    checks: list[OpCheck] = []
    for measures in ops:
        output = tensors[measures.op.outputs[0]]
        verdict, cause = _judge(measures, tensors, made_by, first_broken(checks))
        tensor, origin = output.tensor, origins.get(output.tensor.name)
        checks.append(
            OpCheck(
                index=measures.op.index,
                op=measures.op.name,
                tensor=tensor.name,
                shape=tensor.shape,
                dtype=tensor.dtype,
                scale=float(tensor.scale),
                zero_point=tensor.zero_point,
                macs=measures.macs,
                node=origin.node if origin else None,
                module=origin.module if origin else None,
                accumulated=measures.accumulated,
                local=measures.local,
                sources=measures.sources,
                codes=output.codes.codes,
                histogram=output.codes.histogram,
                verdict=verdict,
                cause=cause,
            )
        )
    return checks


def _judge(
    measures: OpMeasures,
    tensors: Mapping[int, TensorMeasures],
    made_by: Mapping[int, int],
    broken: OpCheck | None,
) -> tuple[Verdict, Cause | None]:
    local = lowest(measures.local)
    read = [tensors[i] for i in measures.op.inputs if i in tensors and i not in made_by]
    scale = next(filter(None, map(_scale_cause, read)), None)
    if scale is not None:
        return Verdict.SUSPECT if local >= BROKEN_DB else Verdict.BROKEN, scale
    if local >= SUSPECT_DB:
        if lowest(measures.accumulated) >= BROKEN_DB:
            return Verdict.FINE, None
        culprit = "the ops before it add up" if broken is None else f"op {broken.index} is broken"
        sentence = f"alone it is right ({_db(local)}); {culprit}"
        return Verdict.SUSPECT, Cause(CauseKind.INHERITED, sentence)
    cause = _cause(measures, tensors, made_by)
    inherited = cause.kind is CauseKind.INHERITED
    return Verdict.SUSPECT if inherited or local >= BROKEN_DB else Verdict.BROKEN, cause


def _scale_cause(measures: TensorMeasures) -> Cause | None:
    """Whether an input of the model runs on another scale than it was calibrated on."""
    if 1 / _OTHER_SCALE <= measures.filled <= _OTHER_SCALE:
        return None
    if measures.filled > 1 and measures.codes.codes.clipped < _OTHER_SCALE_CLIPPED:
        return None
    return Cause(
        CauseKind.SCALE,
        f"input {measures.tensor.name} spans {_span(measures.signal.low, measures.signal.high)},"
        f" its range is {_span(*measures.range)}: calibrated in another unit, or on rare peaks",
    )


def lowest(error: OpError) -> float:
    """The SQNR that an op is judged by, in dB; infinite without any error."""
    values = (error.sqnr_db, error.channel_sqnr_db)
    return min((value for value in values if value is not None), default=float("inf"))


def _cause(
    measures: OpMeasures, tensors: Mapping[int, TensorMeasures], made_by: Mapping[int, int]
) -> Cause:
    op, sources = measures.op, measures.sources
    parts = {
        "inputs": sources.inputs_db,
        "weights": sources.weights_db,
        "output": sources.output_db,
        "kernel": sources.kernel_db,
    }
    measured = {part: value for part, value in parts.items() if value is not None}
    inputs = [tensors[i] for i in op.inputs if i in tensors]
    coarse = [t for t in inputs if t.grid_db is not None and t.grid_db < SUSPECT_DB]
    if coarse and measured.get("inputs", np.inf) < SUSPECT_DB:
        worst = min(coarse, key=lambda t: t.grid_db or 0.0)
        maker = made_by.get(worst.tensor.index)
        if maker is None:
            return _grid_cause(worst, None)
        sentence = f"what op {maker} gives it is on too coarse a grid ({_db(worst.grid_db)})"
        return Cause(CauseKind.INHERITED, sentence)
    worst_part = min(measured, key=lambda part: measured[part], default="kernel")
    if worst_part == "output":
        return _grid_cause(tensors[op.outputs[0]], op.name)
    if worst_part == "inputs":
        return _inputs_cause(op, inputs, tensors[op.outputs[0]])
    if worst_part == "weights":
        return Cause(
            CauseKind.WEIGHTS,
            f"its weights, rounded to int8, alone leave {_db(sources.weights_db)}: a few large"
            " ones in a channel make the steps of all others coarse",
        )
    return Cause(
        CauseKind.KERNEL,
        f"its int8 arithmetic alone leaves {_db(sources.kernel_db)}; exact arithmetic on the same"
        " codes would not",
    )


def _grid_cause(measures: TensorMeasures, maker: str | None) -> Cause:
    """Why the grid of a tensor is too coarse, or too short, for its values.

    `maker` is the op that makes the tensor, None for an input of the model.
    """
    name = f"input {measures.tensor.name}" if maker is None else "its output"
    low, high = measures.range
    signal, rms = measures.signal, measures.rms
    spans = f"{_span(signal.low, signal.high)}, its range is {_span(low, high)}"
    clipped = measures.codes.clipped_squares * float(measures.tensor.scale) ** 2
    rounding = signal.values * len(signal.peaks) * float(measures.tensor.scale) ** 2 / 12
    if clipped > rounding:
        share = measures.codes.codes.clipped
        return Cause(
            CauseKind.SATURATION,
            f"{name} spans {spans}: {share:.1%} of the values are cut off at its ends",
        )
    ends = measures.codes.codes.lowest + measures.codes.codes.highest
    if maker in OPS and OPS[maker].saturates and ends > _AT_ENDS:
        return Cause(
            CauseKind.SATURATION,
            f"{ends:.0%} of its values lie on the first or the last code: the function is driven"
            f" to its ends ({spans})",
        )
    if measures.filled < _FILLED:
        used = f"{measures.codes.codes.used:.0%} of the codes are in use"
        return Cause(CauseKind.FEW_CODES, f"{name} spans {spans}: {used}")
    few = (
        f"the typical channel's RMS of {rms:.3g} is {rms / float(measures.tensor.scale):.2g} steps"
    )
    large = np.flatnonzero(signal.rms > 8 * rms)
    if 0 < len(large) <= max(1, len(signal.peaks) // 8):
        named = ", ".join(map(str, large[:4])) + (", …" if len(large) > 4 else "")
        peak = float(signal.peaks[large].max())
        return Cause(
            CauseKind.OUTLIERS, f"channel {named} reaches {peak:.3g} and sets the range: {few}"
        )
    peak = float(signal.peaks.max())
    return Cause(CauseKind.OUTLIERS, f"rare values reach {peak:.3g} and set the range: {few}")


def _inputs_cause(op: Op, inputs: list[TensorMeasures], output: TensorMeasures) -> Cause:
    """Inputs on good grids, and yet their rounding costs most."""
    coarsest = max(inputs, key=lambda t: float(t.tensor.scale))
    step = float(coarsest.tensor.scale)
    if op.name == "SOFTMAX":
        factor = float(np.exp(min(step, 700.0)))
        return Cause(
            CauseKind.STEEP,
            f"its logits span {_span(coarsest.signal.low, coarsest.signal.high)}: one step of"
            f" {step:.3g} multiplies an exponential by {factor:.3g}",
        )
    if OPS[op.name].steep:
        return Cause(
            CauseKind.STEEP,
            f"its input spans {_span(coarsest.signal.low, coarsest.signal.high)} in steps of"
            f" {step:.3g}; the function changes much within one",
        )
    return Cause(
        CauseKind.CANCELLATION,
        f"its inputs cancel: the output's RMS of {output.rms:.3g} is {output.rms / step:.2g} of"
        f" their steps of {step:.3g}",
    )


def _span(low: float, high: float) -> str:
    return f"{low:.3g} to {high:.3g}"


def _db(value: float | None) -> str:
    return "no error" if value is None else f"{value:.1f} dB"
