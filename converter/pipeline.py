"""The conversion from end to end: a float model in, a folder of checked files out."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from converter.checks.agreement import Agreement, compare
from converter.checks.equality import check_answers, prove_equal, run_all
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
from converter.quantising.ranges import Ranges, Span, minmax_ranges, tied
from converter.quantising.trained import trained_spans
from converter.reading.scale import check_scale
from converter.reading.source import FloatReference, Source, open_source
from converter.reading.windows import FloatArray, Windows, name_of, read_windows
from converter.report.model_explorer import write_overlays
from converter.report.page import write_report
from converter.report.per_op_json import write_per_op
from converter.result import Conversion
from midfuse.core.card import write_card
from midfuse.core.errors import InputError
from midfuse.core.files import publish, write_whole
from midfuse.core.numeric import dequantise
from midfuse.core.oracle import run_windows, write_expected
from midfuse.core.progress import SILENT, Progress
from midfuse.core.support import check_ops
from midfuse.core.tflite_file import TFLiteModel, parse_tflite

if TYPE_CHECKING:
    from torch import nn

Arrays = Mapping[str, npt.NDArray[Any]]
WindowSource = Path | str | Arrays

# Windows on which the float models are held against each other and every op is checked.
CHECK_WINDOWS = 100


def convert_model(
    model: "Path | str | nn.Module",
    calibration: WindowSource,
    *,
    test: WindowSource | None = None,
    limits: Limits | None = None,
    fix: bool = False,
    out: Path,
    progress: Progress = SILENT,
) -> Conversion:
    """Convert a model to int8 TFLite, check every op of it, and write all of it into `out`.

    Args:
        model: `student.safetensors` or its card, an `.onnx`, `file.py:factory`, or a module.
        calibration: training windows, an array (N, *input shape) float32 an input, by its name;
            they alone set the activation ranges, but for those that a card says were trained.
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
        raise InputError(f"`out` {out}: is a file", "name a folder")
    with tempfile.TemporaryDirectory(prefix="midfuse-") as name, Onnx2tf(Path(name)) as onnx2tf:
        job = _read(model, calibration, test, Path(name), out, progress)
        lowered = _lower(job, onnx2tf)
        quantised = _quantise(job, lowered.model, fix)
        result = _check(job, lowered, quantised, limits or Limits())
        write_report(job.made / "report.html", result)
        publish(job.made, out)
        return result


@dataclass(frozen=True)
class _Job:
    """The model and its windows; files go to `made` first, and to `out` when all are there."""

    source: Source
    reference: FloatReference
    windows: Windows
    checked: Windows
    tested: Windows | None
    work: Path
    made: Path
    out: Path
    progress: Progress

    def write(self, model: TFLiteModel) -> None:
        write_whole(self.made / model.path.name, model.content)


@dataclass(frozen=True)
class _Lowered:
    """The float `.tflite`, what the model given answers on the checked windows, and how far the
    float `.tflite` is from it."""

    model: TFLiteModel
    names: Mapping[str, Origin]
    given: list[FloatArray]
    answers: list[FloatArray]
    error: float


@dataclass(frozen=True)
class _Quantised:
    """The int8 model, and the float model whose tensors are its own."""

    int8: TFLiteModel
    float_model: TFLiteModel
    ranges: Ranges
    trained: Mapping[int, Span]
    fixes: list[FixItem] | None


def _read(
    model: Any,
    calibration: WindowSource,
    test: WindowSource | None,
    work: Path,
    out: Path,
    progress: Progress,
) -> _Job:
    """Everything that is given, refused here where it cannot be used."""
    source = open_source(model)
    windows = read_windows(calibration, source.inputs)
    source = source.settled(windows)
    tested = None if test is None else read_windows(test, source.inputs)
    check_scale(source, windows, tested, name_of(calibration))
    reference, checked = source.reference(), windows.spread(CHECK_WINDOWS)
    made = work / "made"
    made.mkdir()
    return _Job(source, reference, windows, checked, tested, work, made, out, progress)


def _lower(job: _Job, onnx2tf: Onnx2tf) -> _Lowered:
    """Through ONNX and onnx2tf to a float `.tflite` that is proved to be the model given."""
    source, progress = job.source, job.progress
    with progress.task("PyTorch to ONNX" if source.module is not None else "ONNX"):
        proto = source.to_onnx(job.windows.window(0), job.made / f"{source.name}.onnx")
        names = [spec.name for spec in source.inputs]
        plain, outputs = plain_copy(proto)
        (job.work / "model.onnx").write_bytes(plain.SerializeToString())
    onnx2tf.start(job.work / "model.onnx", [f"input_{i}" for i in range(len(names))])
    # Two things to do, two processes: the reference answers while onnx2tf works.
    given = run_all(job.reference, job.checked, "Float model", progress)
    check_answers(given, source.where)
    with progress.task("ONNX to TFLite (onnx2tf)"):
        content = onnx2tf.result(source.where)
        shutil.copyfile(job.work / "onnx2tf.log", job.made / "onnx2tf.log")
        content = tidy(content, names, outputs, source.where)
    model = parse_tflite(content, job.out / f"{source.name}_float32.tflite")
    found = origins(model, proto, job.windows, source.where)
    check_ops(model, source.where, {tensor: origin.says for tensor, origin in found.items()})
    model = settle_padding(model, job.windows)
    answers = run_all(FloatModel(model), job.checked, "Float TFLite", progress)
    error = prove_equal(given, answers, source.where)
    return _Lowered(model, found, given, answers, error)


def _quantise(job: _Job, float_model: TFLiteModel, fix: bool) -> _Quantised:
    """To int8, plainly or with the fixes that help."""
    path, where = job.out / f"{job.source.name}_int8.tflite", job.source.where
    trained = _trained(job, float_model)
    if fix:
        fixed = fix_model(float_model, job.windows, path, where, job.progress, trained)
        quantised = _Quantised(fixed.int8, fixed.float_model, fixed.ranges, trained, fixed.items)
    else:
        ranges = minmax_ranges(float_model, job.windows, job.progress, trained)
        with job.progress.task("Quantise"):
            int8 = quantise_model(float_model, ranges, path, where)
        quantised = _Quantised(int8, float_model, ranges, trained, None)
    job.write(quantised.float_model)
    job.write(quantised.int8)
    return quantised


def _trained(job: _Job, float_model: TFLiteModel) -> dict[int, Span]:
    """The ranges that come from training, as the card has them."""
    card, module = job.source.card, job.source.module
    if card is None or module is None:
        return {}
    return trained_spans(float_model, module, card.trained_ranges, job.windows, job.source.where)


def _check(job: _Job, lowered: _Lowered, quantised: _Quantised, limits: Limits) -> Conversion:
    """Every op against float, the three models side by side, and the files that say so."""
    int8, source = quantised.int8, job.source
    checks = check_ops_against_float(
        int8, quantised.float_model, job.checked, lowered.names, job.progress
    )
    write_per_op(job.made / "per_op.json", int8, len(job.checked), checks)
    write_overlays(job.made, checks)
    agreement = _compare(job, lowered, int8)
    card = None
    if source.card is not None:
        card = finish_card(source.card, int8, quantised.ranges)
        write_card(card, job.made / f"{source.name}.json")
    names = {file.name for file in job.made.iterdir()} | {"report.html"}
    return Conversion(
        name=source.name,
        model=int8,
        float_model=quantised.float_model,
        float_error=lowered.error,
        ranges=quantised.ranges,
        trained=len(quantised.trained),
        observed=len(set(tied(quantised.float_model).values()) - set(quantised.trained)),
        checks=checks,
        calibration_windows=len(job.windows),
        check_windows=len(job.checked),
        agreement=agreement,
        missed=missed(limits, agreement),
        fixes=quantised.fixes,
        card=card,
        files=[job.out / name for name in sorted(names)],
    )


def _compare(job: _Job, lowered: _Lowered, int8: TFLiteModel) -> Agreement:
    """The three models on the test windows, or without on the checked ones; TFLM's answers are
    recorded."""
    windows, given, answers = job.checked, lowered.given, lowered.answers
    if job.tested is not None:
        windows = job.tested
        given = run_all(job.reference, windows, "Float model on the test windows", job.progress)
        float_tflite = FloatModel(lowered.model)
        answers = run_all(float_tflite, windows, "Float TFLite on the test windows", job.progress)
    codes = quantise_inputs(int8, windows.inputs)
    recorded = run_windows(int8, codes, job.progress)
    write_expected(job.made / "expected.npz", int8, codes, recorded, windows.labels)
    tensors = [int8.tensors[index] for index in int8.outputs]
    return compare(
        given,
        answers,
        [
            dequantise(values, tensor.scale, tensor.zero_point)
            for values, tensor in zip(recorded, tensors, strict=True)
        ],
        windows.labels,
        held_out=job.tested is not None,
    )
