"""`midfuse convert`, and `convert-to-tflite`, the same command by itself."""

from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.table import Table

from converter.checks.per_op import worst_first
from converter.pipeline import convert as convert_model
from converter.report.page import WORST, decibels
from converter.result import ConversionResult
from midfuse.console import Outcome, Terminal, command


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
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/convert"),
    show_default=True,
    help="Folder for the files.",
)
def convert(model: str, calibration: Path, test: Path | None, out: Path) -> Outcome:
    """Convert MODEL to int8 TFLite and check every op of it against float.

    MODEL is a student (student.safetensors, or student.json beside it), an .onnx, or
    file.py:factory, a function that returns a torch.nn.Module.
    """
    result = convert_model(model, calibration, test=test, out=out, progress=Terminal())
    return Outcome(data=_data(result), view=_view(result), files=result.files)


def _data(result: ConversionResult) -> dict[str, Any]:
    """The outcome for machines; the ops are in per_op.json."""
    return {
        "name": result.name,
        "tflite": str(result.model.path),
        "sha256": result.model.sha256,
        "bytes": len(result.model.content),
        "ops": len(result.model.ops),
        "float_error": result.float_error,
        "calibration_windows": result.calibration_windows,
        "check_windows": result.check_windows,
        "expected_windows": result.expected_windows,
        "accuracy": None if result.accuracy is None else result.accuracy.as_json(),
        "card": result.card is not None,
        "files": [str(path) for path in result.files],
    }


def _view(result: ConversionResult) -> RenderableType:
    kib = len(result.model.content) / 1024
    lines = [
        f"{result.model.path.name}: {len(result.model.ops)} ops, {kib:.1f} KB, int8 in and out",
        f"float TFLite equals the model given: largest difference {result.float_error:.1g} over"
        f" {result.check_windows} windows",
        f"ranges from {result.calibration_windows} calibration windows; TFLM's answers recorded"
        f" for {result.expected_windows} windows",
    ]
    if result.accuracy is not None:
        a = result.accuracy
        lines.append(
            f"accuracy on {a.windows} held-out windows: float"
            f" {a.student_float / a.windows:.2%}, float TFLite {a.float_tflite / a.windows:.2%},"
            f" int8 {a.student_int8_host / a.windows:.2%} (same class as float:"
            f" {a.agreement / a.windows:.2%})"
        )
    if result.card is None:
        lines.append("no model card: only a student trained by Midfuse has one to complete")
    return Group("\n".join(lines), _worst_ops(result))


def _worst_ops(result: ConversionResult) -> Table:
    table = Table(title="Ops furthest from float", title_justify="left", box=None, padding=(0, 1))
    for header in ("op", "tensor"):
        table.add_column(header, overflow="fold")
    for header in ("SQNR", "mean", "max", "cosine"):
        table.add_column(header, justify="right", no_wrap=True)
    for check in worst_first(result.checks)[:WORST]:
        error = check.accumulated
        table.add_row(
            f"{check.index} {check.op}",
            check.tensor,
            decibels(error.sqnr_db),
            f"{error.mean_steps:.2f}",
            f"{error.max_steps:.1f}",
            "" if error.cosine is None else f"{error.cosine:.5f}",
        )
    table.caption = "mean and max error in steps of the tensor's scale; all ops in per_op.json"
    return table
