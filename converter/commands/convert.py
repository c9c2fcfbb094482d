"""`midfuse convert`, and `convert-to-tflite`, the same command by itself."""

from pathlib import Path

import click

from converter.api import converted
from converter.checks.limits import MAX_ACCURACY_DROP, MIN_SQNR_DB, Limits
from converter.commands.view import summary
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
    result = converted(
        model,
        calibration,
        out,
        test=test,
        limits=Limits(min_sqnr, max_accuracy_drop),
        fix=fix,
        progress=Terminal(),
    )
    failure = None
    if result.missed:
        failure = CheckFailed(
            f"{result.model.path.name}: {'; '.join(result.missed)}",
            f"{out / 'report.html'} says which op to look at",
        )
    return Outcome(result.result().to_json(), summary(result), result.files, failure)
