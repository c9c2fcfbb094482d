"""`midfuse study effectiveness`: every model of a training, down to int8 on the board."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean
from typing import Any

import numpy as np

from midfuse.core.oracle import read_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.scores import Confusion
from midfuse.workflows.calls import Answer, require_board, same_bytes
from midfuse.workflows.study.figures import (
    accuracies,
    answered,
    kilobytes,
    over_seeds,
    percent,
    points,
    pooled,
    thousands,
)
from midfuse.workflows.study.jobs import Chain, run_chains
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.plots import draw_effectiveness
from midfuse.workflows.study.report import Report, Table

# In the table's order, with what people call them, and the network each is (trees are none).
# PyTorch's tuned student answers what int8 answers, so it has no row of its own.
MODELS = {
    "trees": ("trees on hand-made features", None),
    "cnn": ("1-D CNN", "cnn"),
    "deepconvlstm": ("DeepConvLSTM", "deepconvlstm"),
    "early_fusion": ("transformer, early fusion", "early_fusion"),
    "late_fusion": ("transformer, late fusion", "late_fusion"),
    "mid_fusion": ("transformer, mid-fusion", "mid_fusion"),
    "teacher": ("teacher: two of those, averaged", "teacher"),
    "student_alone": ("student, alone", "student"),
    "student_float": ("student, distilled", "student"),
    "int8_untuned": ("student int8, after training", "student"),
    "int8_tuned": ("student int8, tuned", "student"),
    "int8_board": ("student int8, on the board", "student"),
}


@dataclass(frozen=True)
class Result:
    """One training taken to the board: confusions by model; `training` and `board` as answered."""

    split: int
    seed: int
    confusion: dict[str, Confusion]
    training: Answer
    board: Answer


def effectiveness(plan: Plan, compare: str, progress: Progress = SILENT) -> Report:
    """Train every split and seed beside the models to compare, convert, and run on the board.

    Raises:
        MidfuseError: a command failed.
        Interrupted: by Ctrl-C.
    """
    require_board(plan.board)
    runs = plan.runs(progress)
    chains = [_chain(plan, split, seed, compare) for split, seed in runs]
    answers = run_chains(chains, plan.jobs, progress)
    results = [
        _result(split, seed, chain, found)
        for (split, seed), chain, found in zip(runs, chains, answers, strict=True)
    ]
    data: dict[str, Any] = {"dataset": plan.dataset, "student": plan.student, "compare": compare}
    data |= summarise(results)
    failure = same_bytes(data["board"]["differing_bytes"], plan.board)
    return Report(data, _tables(data), partial(draw_effectiveness, data, _titles(data)), failure)


def _chain(plan: Plan, split: int, seed: int, compare: str) -> Chain:
    folder = plan.out / f"split-{split}-seed-{seed}"
    return [
        plan.train(folder, split, seed, "--student", plan.student, "--compare", compare),
        plan.convert(folder, "untuned/student.safetensors", "untuned"),
        plan.convert(folder),
        plan.evaluate(folder),
    ]


def _result(split: int, seed: int, chain: Chain, answers: Sequence[Answer]) -> Result:
    (training,) = answers[0]["trainings"]
    confusion = {
        name: Confusion(np.array(figures["confusion"]))
        for name, figures in training["figures"].items()
        if name in MODELS
    }
    _, untuned, tuned, board = (step.folder for step in chain)
    labels = read_npz(tuned / "expected.npz")["labels"]
    for name, path in (
        ("int8_untuned", untuned / "expected.npz"),
        ("int8_tuned", tuned / "expected.npz"),
        ("int8_board", board / "outputs.npz"),
    ):
        (confusion[name],) = answered(path, labels)
    return Result(split, seed, confusion, training, answers[3])


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """What the JSON holds: a seed's figures are over the windows of all its splits.

    Instructions are the mean over the trainings, RAM and flash the largest.
    """
    scores = {
        name: pooled([(r.seed, r.confusion[name]) for r in results])
        for name in MODELS
        if name in results[0].confusion
    }
    first = results[0].training
    boards = [result.board for result in results]
    counts = [each["instructions_per_inference"] for each in boards]

    data: dict[str, Any] = {
        "splits": list(dict.fromkeys(result.split for result in results)),
        "seeds": list(dict.fromkeys(result.seed for result in results)),
        "test_subjects": list(
            dict.fromkeys(s for r in results for s in r.training["subjects"]["test"])
        ),
        "windows": scores["teacher"][0].windows,
        "models": {
            name: accuracies(by_seed)
            | {
                "parameters": first["parameters"].get(MODELS[name][1]),
                "macs": first["macs"].get(MODELS[name][1]),
            }
            for name, by_seed in scores.items()
        },
        "board": {
            "name": boards[0]["board"],
            "instructions_per_inference": mean(c["mean"] for c in counts) if all(counts) else None,
            "ram_bytes": _largest(boards, "ram_bytes"),
            "flash_bytes": _largest(boards, "flash_bytes"),
            "differing_bytes": sum(each["differing_bytes"] for each in boards),
        },
    }
    if "student_alone" in scores:
        pairs = list(zip(scores["student_float"], scores["student_alone"], strict=True))
        data["distillation_gain"] = {
            "accuracy": over_seeds(
                [distilled.accuracy - alone.accuracy for distilled, alone in pairs]
            ),
            "macro_f1": over_seeds(
                [distilled.macro_f1 - alone.macro_f1 for distilled, alone in pairs]
            ),
        }
    return data


def _largest(boards: Sequence[Answer], figure: str) -> int | None:
    return max((each[figure] for each in boards if each[figure] is not None), default=None)


def _titles(data: dict[str, Any]) -> dict[str, str]:
    return {name: MODELS[name][0] for name in data["models"]}


def _tables(data: dict[str, Any]) -> list[Table]:
    seeds, board = len(data["seeds"]), data["board"]
    notes = [
        f"{data['windows']} windows of held-out subjects {', '.join(data['test_subjects'])}"
        + (f"; mean ± deviation over {seeds} seeds." if seeds > 1 else "; one seed.")
    ]
    gain = data.get("distillation_gain")
    if gain is not None:
        notes.append(
            f"Distillation, distilled minus alone by seed: accuracy {points(gain['accuracy'])},"
            f" macro-F1 {points(gain['macro_f1'])}."
        )
    models = Table(
        f"{data['dataset']}: what each model makes of people it has not seen",
        ["model", "accuracy", "macro-F1", "parameters", "MACs"],
        [
            [
                title,
                percent(figures["accuracy"]),
                percent(figures["macro_f1"]),
                thousands(figures["parameters"]),
                thousands(figures["macs"]),
            ]
            for (name, title) in _titles(data).items()
            for figures in [data["models"][name]]
        ],
        notes,
    )
    device = Table(
        f"int8 {data['student']} on {board['name']}",
        ["instructions an inference", "RAM", "flash", "bytes that differ from TFLM's"],
        [
            [
                thousands(board["instructions_per_inference"]),
                kilobytes(board["ram_bytes"]),
                kilobytes(board["flash_bytes"]),
                str(board["differing_bytes"]),
            ]
        ],
    )
    return [models, device]
