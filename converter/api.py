"""A conversion for Python: what `midfuse.convert` is."""

from pathlib import Path
from typing import TYPE_CHECKING

from converter.checks.limits import Limits
from converter.guard import guarded
from converter.pipeline import WindowSource, convert_model
from converter.result import Conversion
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import ConvertResult

if TYPE_CHECKING:
    from torch import nn


def convert(
    model: "Path | str | nn.Module",
    calibration: WindowSource,
    out: Path | str,
    *,
    test: WindowSource | None = None,
    limits: Limits | None = None,
    fix: bool = False,
    progress: Progress = SILENT,
) -> ConvertResult:
    """Convert a model to int8 TFLite, check every op of it, and write all of it into `out`.

    Args:
        model: `student.safetensors` or its card, an `.onnx`, `file.py:factory`, or a module.
        calibration: training windows, an array (N, *input shape) float32 per input, by its name, or
            the path of an .npz with them.
        out: folder for the files; made when everything has succeeded, untouched otherwise.
        test: held-out windows in the same form, with `labels` (N,) for accuracies.
        limits: what the result has to hold; `missed` in the result has what does not.
        fix: try what helps int8 and keep what does.
        progress: is told what is being done.

    The work is done in a process of its own, so that no file can take the caller down with it.

    Raises:
        InputError: a model or windows that cannot be used, or an op that the target lacks.
        CheckFailed: the float `.tflite` does not compute what the model computes.
    """
    return converted(
        model, calibration, out, test=test, limits=limits, fix=fix, progress=progress
    ).result()


def converted(
    model: "Path | str | nn.Module",
    calibration: WindowSource,
    out: Path | str,
    *,
    test: WindowSource | None = None,
    limits: Limits | None = None,
    fix: bool = False,
    progress: Progress = SILENT,
) -> Conversion:
    """The same, with the models and every op's check in memory, as a report shows them."""
    where = str(model) if isinstance(model, Path | str) else type(model).__name__
    return guarded(
        lambda: convert_model(
            model, calibration, test=test, limits=limits, fix=fix, out=Path(out), progress=progress
        ),
        where,
    )
