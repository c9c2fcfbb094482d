"""The command `midfuse evaluate`."""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Group
from rich.table import Table

from firmware_tools.board.registry import Board, read_board
from firmware_tools.measure.evaluate import Evaluation, evaluate_model
from firmware_tools.measure.inputs import match_inputs, match_labels
from firmware_tools.runtimes.choice import runtime_options
from midfuse.cli.console import Outcome, Terminal, command, fields
from midfuse.core.errors import CheckFailed
from midfuse.core.oracle import read_npz
from midfuse.core.tflite_file import read_tflite

MODEL = click.argument("model", type=click.Path(path_type=Path))
BOARD = click.option("--board", required=True, help="A board; `midfuse boards` lists them.")
PORT = click.option("--port", help="The port of a board that runs already.")
OUT = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write to [runs/MODEL-BOARD]."
)


@command(name="evaluate", help="Run a model on a board and compare its bytes with the oracle's.")
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
    tflm: Path | None,
    inputs: Path,
    labels: str | None,
    per_op: bool,
) -> Outcome:
    target = read_board(board)
    tflite = read_tflite(model)
    arrays = read_npz(inputs)
    windows = match_inputs(arrays, tflite, inputs)
    key = labels or ("labels" if "labels" in arrays else None)
    classes = None if key is None else match_labels(arrays, key, len(windows[0]), inputs)
    folder = out or default_out(model, target)
    evaluation, outputs = evaluate_model(
        tflite,
        target,
        windows,
        folder,
        labels=classes,
        per_op=per_op,
        port=port,
        tflm=tflm,
        progress=Terminal(),
    )
    answers, figures = folder / "outputs.npz", folder / "evaluation.json"
    np.savez_compressed(answers, **{f"output_{i}": values for i, values in enumerate(outputs)})
    data = evaluation.to_json()
    figures.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return Outcome(data, _evaluation_view(evaluation), [answers, figures], _verdict(evaluation))


def default_out(model: Path, board: Board) -> Path:
    return Path("runs") / f"{model.stem}-{board.name}"


def _verdict(evaluation: Evaluation) -> CheckFailed | None:
    count = evaluation.differing_bytes
    if count:
        return CheckFailed(
            f"{count} output bytes differ from {evaluation.compared_with}",
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
