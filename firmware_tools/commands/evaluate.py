"""The command `midfuse evaluate`."""

from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.table import Table

from firmware_tools import api
from firmware_tools.commands.options import BOARD, MODEL, OUT, PORT, runtime_options
from firmware_tools.runtimes.interface import Runtime
from midfuse.cli.console import Outcome, Terminal, command, fields
from midfuse.core.errors import CheckFailed
from midfuse.core.results import Evaluation


@command(
    name="evaluate",
    help="Run a model on a board and compare its outputs byte for byte with TensorFlow Lite Micro.",
)
@MODEL
@BOARD
@PORT
@OUT
@runtime_options
@click.option(
    "--inputs",
    required=True,
    type=click.Path(path_type=Path),
    help=".npz with an array per input: by tensor name, signature name or position.",
)
@click.option("--labels", metavar="KEY", help="Array of class numbers [labels, if there].")
@click.option("--per-op", is_flag=True, help="Compare every op's output too.")
def evaluate(
    model: Path,
    board: str,
    port: str | None,
    out: Path | None,
    runtime: Runtime,
    inputs: Path,
    labels: str | None,
    per_op: bool,
) -> Outcome:
    folder = out or api.default_out(model, board)
    evaluation = api.evaluate(
        model,
        board,
        inputs,
        folder,
        labels=labels,
        per_op=per_op,
        port=port,
        runtime=runtime,
        progress=Terminal(),
    )
    files = [folder / "outputs.npz", folder / "evaluation.json"]
    view = _evaluation_view(evaluation)
    return Outcome(evaluation.to_json(), view, files, _verdict(evaluation))


def _verdict(evaluation: Evaluation) -> CheckFailed | None:
    count, most = evaluation.differing_bytes, evaluation.largest_difference
    if evaluation.tolerance == 0 and count:
        return CheckFailed(
            f"{count} output bytes differ from {evaluation.compared_with}",
            "--per-op shows the first op that differs",
        )
    if most > evaluation.tolerance:
        return CheckFailed(
            f"an output value differs from {evaluation.compared_with} by {most:g},"
            f" {evaluation.runtime} may by {evaluation.tolerance:g}",
            "--per-op shows the first op that differs",
        )
    wrong = [row for row in evaluation.per_op or [] if row.differing_bytes]
    if wrong:
        return CheckFailed(
            f"op {wrong[0].op} ({wrong[0].name}) is the first of {len(wrong)} ops whose bytes"
            f" differ from {evaluation.compared_with}",
            "report it with the model",
        )
    return None


def _evaluation_view(evaluation: Evaluation) -> Group:
    figures: dict[str, Any] = {
        "board": evaluation.board,
        "runtime": evaluation.runtime,
        "windows": evaluation.windows,
    }
    if evaluation.accuracy is not None:
        figures["accuracy"] = f"{evaluation.accuracy:.4f}"
    figures["differing bytes"] = (
        f"{evaluation.differing_bytes} (against {evaluation.compared_with})"
    )
    spread, unit = evaluation.instructions_per_inference, "instructions"
    if spread is None:
        spread, unit = evaluation.nanoseconds_per_inference, "nanoseconds"
    figures[f"{unit} per inference"] = (
        f"{spread.mean:,.0f} (min {spread.min:,.0f}, max {spread.max:,.0f})"
    )
    for name in ("ram", "flash", "arena"):
        size = getattr(evaluation, f"{name}_bytes")
        if size is not None:
            figures[name] = f"{size / 1024:.1f} KB"
    line = evaluation.link
    figures["link"] = f"{line.requests} requests, {line.retries} retries, {line.resets} resets"
    figures["seconds"] = ", ".join(f"{k} {v:.1f}" for k, v in evaluation.seconds.items())
    if evaluation.per_op is None:
        return Group(fields(figures))
    ops = Table("op", "name", "tensor", "bytes", "differing", title="every op's output")
    for row in evaluation.per_op:
        ops.add_row(
            str(row.op), row.name, row.tensor[-40:], str(row.bytes), str(row.differing_bytes)
        )
    return Group(ops, fields(figures))
