"""The conversion from end to end: a float model in, a folder of checked files out."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from converter.checks.agreement import compare
from converter.checks.equality import prove_equal, run_all
from converter.checks.limits import Limits, missed
from converter.checks.per_op import check_ops_against_float, quantise_inputs
from converter.finish import finish_card
from converter.fixes.score import FixItem
from converter.fixes.search import fix as fix_model
from converter.lowering.float_model import FloatModel
from converter.lowering.names import Origin, origins
from converter.lowering.onnx_to_tflite import Onnx2tf
from converter.lowering.padding import settle_padding
from converter.lowering.plain import plain_copy
from converter.lowering.tidy import tidy
from converter.quantising.quantise import quantise_model
from converter.quantising.ranges import minmax_ranges
from converter.reading.scale import check_scale
from converter.reading.source import Source, open_source
from converter.reading.windows import FloatArray, Windows, name_of, read_windows
from converter.report.model_explorer import write_overlays
from converter.report.page import write_report
from converter.report.per_op_json import write_per_op
from converter.result import ConversionResult
from midfuse.card import write_card
from midfuse.errors import InputError
from midfuse.numeric import dequantise
from midfuse.ops import check_ops
from midfuse.oracle import run_windows, write_expected
from midfuse.progress import SILENT, Progress
from midfuse.tflite_file import TFLiteModel, parse_tflite

if TYPE_CHECKING:
    from torch import nn

Arrays = Mapping[str, npt.NDArray[Any]]

# Windows on which the float models are held against each other and every op is checked.
CHECK_WINDOWS = 100


def convert(
    model: "Path | str | nn.Module",
    calibration: Path | Arrays,
    *,
    test: Path | Arrays | None = None,
    limits: Limits | None = None,
    fix: bool = False,
    out: Path,
    progress: Progress = SILENT,
) -> ConversionResult:
    """Convert a model to int8 TFLite, check every op of it, and write all of it into `out`.

    Args:
        model: `student.safetensors` or its card, an `.onnx`, `file.py:factory`, or a module.
        calibration: training windows, an array (N, *input shape) float32 an input, by its name;
            they alone set the activation ranges.
        test: held-out windows in the same form, with `labels` (N,) for accuracies.
        limits: what the result has to hold; `missed` in the result says what it does not.
        fix: try what helps int8 (`converter.fixes`) and keep what does, judged on calibration
            windows held apart; a model that needs nothing stays as it is.
        out: folder for the files; made when everything has succeeded, untouched otherwise.

    Raises:
        InputError: a model or windows that cannot be used, or an op that the target lacks.
        CheckFailed: the float `.tflite` does not compute what the model computes.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file", "name a folder with --out")
    with tempfile.TemporaryDirectory(prefix="midfuse-") as work, Onnx2tf(Path(work)) as onnx2tf:
        source = open_source(model)
        windows = read_windows(calibration, source.inputs)
        source = source.settled(windows)
        tested = None if test is None else read_windows(test, source.inputs)
        check_scale(source, windows, tested, name_of(calibration))
        made = Path(work) / "made"
        made.mkdir()
        with progress.task("PyTorch to ONNX" if source.module is not None else "ONNX"):
            proto = source.to_onnx(windows.window(0), made / f"{source.name}.onnx")
            names = [spec.name for spec in source.inputs]
            plain, outputs = plain_copy(proto)
            (Path(work) / "model.onnx").write_bytes(plain.SerializeToString())
        onnx2tf.start(Path(work) / "model.onnx", [f"input_{i}" for i in range(len(names))])
        # Two things to do, two processes: the reference answers while onnx2tf works.
        given = run_all(source.reference(), windows.spread(CHECK_WINDOWS), "Float model", progress)
        with progress.task("ONNX to TFLite (onnx2tf)"):
            content = onnx2tf.result(source.where)
            shutil.copyfile(Path(work) / "onnx2tf.log", made / "onnx2tf.log")
            content = tidy(content, names, outputs, source.where)
        float_model = parse_tflite(content, out / f"{source.name}_float32.tflite")
        check_ops(float_model, source.where)
        float_model = settle_padding(float_model, windows)
        (made / float_model.path.name).write_bytes(float_model.content)
        found = origins(float_model, proto, windows)
        return _quantise_and_check(
            *(source, float_model, found, given, windows, tested),
            *(limits or Limits(), fix, made, out, progress),
        )


def _quantise_and_check(
    source: Source,
    float_model: TFLiteModel,
    names: Mapping[str, Origin],
    given: list[FloatArray],
    windows: Windows,
    tested: Windows | None,
    limits: Limits,
    fix: bool,
    made: Path,
    out: Path,
    progress: Progress,
) -> ConversionResult:
    lowered, checked = FloatModel(float_model), windows.spread(CHECK_WINDOWS)
    ours = run_all(lowered, checked, "Float TFLite", progress)
    float_error = prove_equal(given, ours, source.where)
    path = out / f"{source.name}_int8.tflite"
    fixes: list[FixItem] | None = None
    if fix:
        fixed = fix_model(float_model, windows, path, source.where, progress)
        int8, float_model, ranges = fixed.int8, fixed.float_model, fixed.ranges
        fixes = fixed.items
        (made / float_model.path.name).write_bytes(float_model.content)
    else:
        ranges = minmax_ranges(float_model, windows, progress)
        with progress.task("Quantise"):
            int8 = quantise_model(float_model, ranges, path, source.where)
    (made / path.name).write_bytes(int8.content)
    checks = check_ops_against_float(int8, float_model, checked, names, progress)
    write_per_op(made / "per_op.json", int8, len(checked), checks)
    write_overlays(made, checks)

    recorded = checked if tested is None else tested
    if tested is not None:
        given = run_all(source.reference(), tested, "Float model on the test windows", progress)
        ours = run_all(lowered, tested, "Float TFLite on the test windows", progress)
    codes = quantise_inputs(int8, recorded.inputs)
    answers = run_windows(int8, codes, progress)
    write_expected(made / "expected.npz", int8, codes, answers, recorded.labels)
    grids = [int8.tensors[index] for index in int8.outputs]
    agreement = compare(
        given,
        ours,
        [
            dequantise(a, grid.scale, grid.zero_point)
            for a, grid in zip(answers, grids, strict=True)
        ],
        recorded.labels,
        held_out=tested is not None,
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
        agreement=agreement,
        missed=missed(limits, agreement),
        fixes=fixes,
        card=card,
        files=[out / file.name for file in sorted(made.iterdir())] + [out / "report.html"],
    )
    write_report(made / "report.html", result)
    _deliver(made, out)
    return result


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
