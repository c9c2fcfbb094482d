"""What the per-op check says of one op: measures, a verdict, and a cause in one sentence.

For float values f and dequantised int8 values q over all windows:
SQNR = 10 log10(sum f^2 / sum (f - q)^2) dB; cosine = sum f q / sqrt(sum f^2 sum q^2).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Verdict(StrEnum):
    """FINE: nothing to do. SUSPECT: look here when accuracy is missing. BROKEN: repair it."""

    FINE = "fine"
    SUSPECT = "suspect"
    BROKEN = "broken"


class CauseKind(StrEnum):
    """Why an op's int8 output is off."""

    OUTLIERS = "range dominated by outliers"
    SATURATION = "saturation"
    FEW_CODES = "too few codes"
    CANCELLATION = "cancellation"
    STEEP = "input too coarse for a steep function"
    WEIGHTS = "weights too coarse"
    KERNEL = "the kernel's table resolution"
    SCALE = "calibration on another scale"
    INHERITED = "errors of the ops before it"


@dataclass(frozen=True)
class Cause:
    """A kind for programs, a sentence with this op's figures for people."""

    kind: CauseKind
    sentence: str


@dataclass(frozen=True)
class OpError:
    """How far one op's output is from float.

    `mean_abs` and `max_abs` in the tensor's own unit, `mean_steps` and `max_steps` in units of
    its scale. `sqnr_db` is None where there is no error at all or no signal, `cosine` where
    either side is all zero. `channel_sqnr_db` is the median of the SQNR of each channel (last
    axis): a few large channels hide there what they do to all others.
    """

    mean_abs: float
    max_abs: float
    mean_steps: float
    max_steps: float
    sqnr_db: float | None
    channel_sqnr_db: float | None
    cosine: float | None


@dataclass(frozen=True)
class Sources:
    """The local error taken apart: the SQNR (channel median, dB) if that part alone were rounded.

    `inputs`: activations coming in; `weights`: constants; `output`: the result, range included;
    `kernel`: TFLM's fixed-point arithmetic against exact arithmetic on the same codes. None where
    the part adds no error.
    """

    inputs_db: float | None
    weights_db: float | None
    output_db: float | None
    kernel_db: float | None


@dataclass(frozen=True)
class Codes:
    """How the int8 (or int16) codes of an output are used; all are shares between 0 and 1.

    `lowest` and `highest`: values on the first and the last code; `clipped`: values whose float
    lies beyond them by more than half a step; `used`: distinct codes of all there are.
    """

    lowest: float
    highest: float
    clipped: float
    used: float


@dataclass(frozen=True)
class Histogram:
    """Float and dequantised int8 values of an output, counted in the same bins.

    `edges` (65,) in the tensor's unit, equally spaced over the quantised range; `float_counts` and
    `int8_counts` (66,): the first and the last bin hold what lies beyond the edges.
    """

    edges: npt.NDArray[np.float64]
    float_counts: npt.NDArray[np.int64]
    int8_counts: npt.NDArray[np.int64]


@dataclass(frozen=True)
class OpCheck:
    """One op of the int8 model, in its order, and what is known of its first output.

    `accumulated` is the error of the int8 network so far, `local` that of the op alone, fed with
    the float model's inputs quantised. `node` is the ONNX node that the op belongs to and
    `module` the PyTorch module that made it, as far as they are known; `cause` is None for FINE.
    """

    index: int
    op: str
    tensor: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    macs: int
    node: str | None
    module: str | None
    accumulated: OpError
    local: OpError
    sources: Sources
    codes: Codes
    histogram: Histogram
    verdict: Verdict
    cause: Cause | None


def first_broken(checks: list[OpCheck]) -> OpCheck | None:
    """Where to begin: repairing a later op first helps nothing."""
    return next((check for check in checks if check.verdict is Verdict.BROKEN), None)
