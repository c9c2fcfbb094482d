"""The conversion from end to end: a float model in, a folder of checked files out."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from converter.checks.accuracy import count_correct
from converter.checks.per_op import check_ops_against_float, quantise_inputs, write_per_op
from converter.finish import finish_card
from converter.lowering.float_model import FloatModel
from converter.lowering.onnx_to_tflite import onnx_to_tflite
from converter.lowering.tidy import tidy
from converter.quantising.quantise import quantise_model
from converter.quantising.ranges import minmax_ranges
from converter.reading.onnx_file import output_names, plain_copy
from converter.reading.source import FloatReference, Source, open_source
from converter.reading.windows import FloatArray, Windows, read_windows
from converter.report.page import write_report
from converter.result import ConversionResult
from midfuse.card import write_card
from midfuse.errors import CheckFailed, InputError
from midfuse.ops import check_ops
from midfuse.oracle import run_windows, write_expected
from midfuse.progress import SILENT, Progress
from midfuse.tflite_file import TFLiteModel, parse_tflite

if TYPE_CHECKING:
    from torch import nn

Arrays = Mapping[str, npt.NDArray[Any]]

# Windows on which the float models are held against each other and every op is checked.
CHECK_WINDOWS = 100
# Relative to the largest output. Float models compute the same sums in another order; more than
# this is another model.
FLOAT_TOLERANCE = 1e-4


def convert(
    model: "Path | str | nn.Module",
    calibration: Path | Arrays,
    *,
    test: Path | Arrays | None = None,
    out: Path,
    progress: Progress = SILENT,
) -> ConversionResult:
    """Convert a model to int8 TFLite, check every op of it, and write all of it into `out`.

    Args:
        model: `student.safetensors` or its card, an `.onnx`, `file.py:factory`, or a module.
        calibration: training windows, an array (N, *input shape) float32 an input, by its name;
            they alone set the activation ranges.
        test: held-out windows in the same form, with `labels` (N,) for accuracies.
        out: folder for the files; made when everything has succeeded, untouched otherwise.

    Raises:
        InputError: a model or windows that cannot be used, or an op that the target lacks.
        CheckFailed: the float `.tflite` does not compute what the model computes.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file", "name a folder with --out")
    source = open_source(model)
    windows = read_windows(calibration, source.inputs)
    source = source.settled(windows)
    tested = None if test is None else read_windows(test, source.inputs)
    with tempfile.TemporaryDirectory(prefix="midfuse-") as work:
        made = Path(work) / "made"
        made.mkdir()
        float_model = _float_tflite(source, windows, Path(work), made, out, progress)
        return _quantise_and_check(source, float_model, windows, tested, made, out, progress)


def _float_tflite(
    source: Source, windows: Windows, work: Path, made: Path, out: Path, progress: Progress
) -> TFLiteModel:
    """Through ONNX and onnx2tf to the tidied float `.tflite`: a file in `made`, bound for `out`."""
    with progress.task("PyTorch to ONNX" if source.module is not None else "ONNX"):
        proto = source.to_onnx(windows.window(0), made / f"{source.name}.onnx")
        names = [spec.name for spec in source.inputs]
        plain = work / "model.onnx"
        plain.write_bytes(plain_copy(proto).SerializeToString())
    with progress.task("ONNX to TFLite (onnx2tf)"):
        plain_names = [f"input_{i}" for i in range(len(names))]
        content = onnx_to_tflite(plain, plain_names, work, source.where)
        shutil.copyfile(work / "onnx2tf.log", made / "onnx2tf.log")
        content = tidy(content, names, output_names(proto), source.where)
    model = parse_tflite(content, out / f"{source.name}_float32.tflite")
    (made / model.path.name).write_bytes(content)
    check_ops(model, source.where)
    return model


def _quantise_and_check(
    source: Source,
    float_model: TFLiteModel,
    windows: Windows,
    tested: Windows | None,
    made: Path,
    out: Path,
    progress: Progress,
) -> ConversionResult:
    reference, lowered = source.reference(), FloatModel(float_model)
    checked = windows.spread(CHECK_WINDOWS)
    float_error = _prove_equal(reference, lowered, checked, source, progress)
    ranges = minmax_ranges(float_model, windows, progress)
    with progress.task("Quantise"):
        path = out / f"{source.name}_int8.tflite"
        int8 = quantise_model(float_model, ranges, path, source.where)
        (made / path.name).write_bytes(int8.content)
    checks = check_ops_against_float(int8, float_model, checked, progress)
    write_per_op(made / "per_op.json", int8, len(checked), checks)

    recorded = checked if tested is None else tested
    codes = quantise_inputs(int8, recorded.inputs)
    answers = run_windows(int8, codes, progress)
    write_expected(made / "expected.npz", int8, codes, answers, recorded.labels)
    accuracy = None
    if tested is not None and tested.labels is not None:
        accuracy = count_correct(
            tested.labels,
            _classes(reference, tested, "Float model on the test windows", progress),
            _classes(lowered, tested, "Float TFLite on the test windows", progress),
            answers[0].reshape(len(tested), -1).argmax(axis=1),
        )
    card = None
    if source.card is not None:
        card = finish_card(source.card, int8, ranges)
        write_card(card, made / f"{source.name}.json")
    result = ConversionResult(
        name=source.name,
        model=int8,
        float_model=float_model,
        float_error=float_error,
        ranges=ranges,
        checks=checks,
        calibration_windows=len(windows),
        check_windows=len(checked),
        expected_windows=len(recorded),
        accuracy=accuracy,
        card=card,
        files=[out / file.name for file in sorted(made.iterdir())] + [out / "report.html"],
    )
    write_report(made / "report.html", result)
    _deliver(made, out)
    return result


def _prove_equal(
    reference: FloatReference,
    lowered: FloatReference,
    windows: Windows,
    source: Source,
    progress: Progress,
) -> float:
    """The largest difference between the two float models; refused where it is no rounding."""
    worst, span = 0.0, 1.0
    with progress.task("Float models side by side", len(windows)) as task:
        for at in range(len(windows)):
            expected, found = reference.run(windows.window(at)), lowered.run(windows.window(at))
            shapes = [values.shape for values in expected], [values.shape for values in found]
            if shapes[0] != shapes[1]:
                raise CheckFailed(
                    f"{source.where}: outputs are {shapes[0]}, as TFLite {shapes[1]}",
                    "onnx2tf lowered it wrongly; change the last op of the model",
                )
            for a, b in zip(expected, found, strict=True):
                # np.maximum, unlike max, carries a NaN to the verdict.
                worst = float(np.maximum(worst, np.abs(a - b).max()))
                span = max(span, float(np.abs(a).max()))
            task.advance()
    if not worst <= FLOAT_TOLERANCE * span:
        raise CheckFailed(
            f"{source.where}: as float TFLite it answers up to {worst:.3g} off, of outputs up to"
            f" {span:.3g}",
            "onnx2tf lowered it wrongly; say what it turns over with explicit reshapes",
        )
    return worst


def _classes(
    model: FloatReference, windows: Windows, name: str, progress: Progress
) -> npt.NDArray[np.int64]:
    """The class that a float model names for every window."""
    found = []
    with progress.task(name, len(windows)) as task:
        for at in range(len(windows)):
            logits: FloatArray = model.run(windows.window(at))[0]
            found.append(int(logits.argmax()))
            task.advance()
    return np.array(found, np.int64)


def _deliver(made: Path, out: Path) -> None:
    """Put all files in place, each at once: whoever reads `out` never sees half a file."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file in made.iterdir():
            part = out / f".{file.name}.part"
            try:
                shutil.copyfile(file, part)
                part.replace(out / file.name)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror})", "name another folder with --out"
        ) from None
