"""`midfuse convert`, and `convert-to-tflite`, the same command by itself."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from converter.checks.limits import MAX_ACCURACY_DROP, MIN_SQNR_DB, Limits
from converter.checks.op_check import Verdict, first_broken
from converter.commands.view import summary
from converter.guard import guarded
from converter.pipeline import convert as convert_model
from converter.result import ConversionResult
from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import CheckFailed


@command(name="convert", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model")
@click.option(
    "--calibration",
    required=True,
    type=click.Path(path_type=Path),
    help="Training windows (.npz): float32 arrays by input name, first axis the window.",
)
@click.option(
    "--test",
    type=click.Path(path_type=Path),
    help="Held-out windows in the same form, with `labels`: accuracies and expected.npz.",
)
@click.option(
    "--min-sqnr",
    type=float,
    default=MIN_SQNR_DB,
    show_default=True,
    help="Least SQNR of the int8 outputs against the float model's, in dB.",
)
@click.option(
    "--max-accuracy-drop",
    type=float,
    default=MAX_ACCURACY_DROP,
    show_default=True,
    help="Most points of accuracy that int8 may lose on the held-out windows.",
)
@click.option(
    "--fix",
    is_flag=True,
    help="Try what helps int8 (equalisation, ranges, biases, int16 for a few tensors); keep it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/convert"),
    show_default=True,
    help="Folder for the files.",
)
def convert(
    model: str,
    calibration: Path,
    test: Path | None,
    min_sqnr: float,
    max_accuracy_drop: float,
    fix: bool,
    out: Path,
) -> Outcome:
    """Convert MODEL to int8 TFLite and check every op of it against float.

    MODEL is a student (student.safetensors, or student.json beside it), an .onnx, or
    file.py:factory, a function that returns a torch.nn.Module.

    Exit code 1, with all files written, where --min-sqnr or --max-accuracy-drop does not hold.
    """
    limits = Limits(min_sqnr, max_accuracy_drop)
    progress = Terminal()
    result = guarded(
        lambda: convert_model(
            model, calibration, test=test, limits=limits, fix=fix, out=out, progress=progress
        ),
        model,
    )
    failure = None
    if result.missed:
        failure = CheckFailed(
            f"{result.model.path.name}: {'; '.join(result.missed)}",
            f"{out / 'report.html'} says which op to look at",
        )
    return Outcome(data=_data(result), view=summary(result), files=result.files, failure=failure)


def _data(result: ConversionResult) -> dict[str, Any]:
    """The outcome for machines; the ops are in per_op.json."""
    agreement, broken = result.agreement, first_broken(result.checks)
    return {
        "name": result.name,
        "tflite": str(result.model.path),
        "sha256": result.model.sha256,
        "bytes": len(result.model.content),
        "ops": len(result.model.ops),
        "float_error": result.float_error,
        "ranges": {"trained": result.trained, "observed": result.observed},
        "calibration_windows": result.calibration_windows,
        "check_windows": result.check_windows,
        "agreement": {
            "windows": agreement.windows,
            "held_out": agreement.held_out,
            "sqnr_db": agreement.sqnr_db,
            "same_class": {"float_tflite": agreement.float_tflite, "int8": agreement.int8},
        },
        "accuracy": None if agreement.accuracy is None else agreement.accuracy.as_json(),
        "verdicts": {v.value: sum(c.verdict is v for c in result.checks) for v in Verdict},
        "first_broken": None if broken is None else broken.index,
        "missed": result.missed,
        "fixes": None if result.fixes is None else [asdict(item) for item in result.fixes],
        "card": result.card is not None,
        "files": [str(path) for path in result.files],
    }
