"""`midfuse study robustness`: what becomes of teacher, student and int8 when sensors are worn.

Every condition is that of `midfuse perturb`. Teacher and student answer there, in float; int8
answers on the board, over the very windows that `perturb` wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from midfuse.core.oracle import read_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.scores import Confusion
from midfuse.workflows.calls import Answer, require_board, same_bytes
from midfuse.workflows.study.figures import accuracies, answered, over_seeds, percent, pooled
from midfuse.workflows.study.jobs import Chain, Step, run_chains
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.plots import draw_robustness
from midfuse.workflows.study.report import Report, Table

MODELS = ("teacher", "student", "int8")


@dataclass(frozen=True)
class Result:
    """One training: confusions by model, an entry a condition; `perturbed` as answered."""

    seed: int
    confusion: dict[str, list[Confusion]]
    perturbed: Answer
    differing_bytes: int


def robustness(plan: Plan, progress: Progress = SILENT) -> Report:
    """Train every split and seed, perturb the test windows, and answer them three ways.

    Raises:
        MidfuseError: a command failed.
        Interrupted: by Ctrl-C.
    """
    require_board(plan.board)
    runs = plan.runs(progress)
    chains = [chain_of(plan, split, seed) for split, seed in runs]
    answers = run_chains(chains, plan.jobs, progress)
    results = [
        _result(seed, chain, found)
        for (_, seed), chain, found in zip(runs, chains, answers, strict=True)
    ]
    splits = list(dict.fromkeys(split for split, _ in runs))
    data: dict[str, Any] = {"dataset": plan.dataset, "student": plan.student, "board": plan.board}
    data |= {"splits": splits} | summarise(results)
    failure = same_bytes(data["differing_bytes"], plan.board)
    return Report(data, [_table(data)], partial(draw_robustness, data), failure)


def chain_of(plan: Plan, split: int, seed: int) -> Chain:
    """What is run for one split and seed."""
    folder = plan.out / f"split-{split}-seed-{seed}"
    command = ("perturb", str(folder / "train"))
    return [
        plan.train(folder, split, seed, "--student", plan.student),
        plan.convert(folder),
        Step(f"perturb {folder.name}", command, folder / "perturbed"),
        plan.evaluate(folder, "perturbed/perturbed.npz"),
    ]


def _result(seed: int, chain: Chain, answers: Sequence[Answer]) -> Result:
    _, _, perturbed, evaluated = answers
    windows, board = (step.folder for step in chain[2:])
    conditions = perturbed["conditions"]
    confusion = {
        model: [Confusion(np.array(each["figures"][model]["confusion"])) for each in conditions]
        for model in conditions[0]["figures"]
    }
    labels = read_npz(windows / "perturbed.npz")["labels"]
    parts = [slice(each["first"], each["first"] + each["windows"]) for each in conditions]
    confusion["int8"] = answered(board / "outputs.npz", labels, parts)
    return Result(seed, confusion, perturbed, evaluated["differing_bytes"])


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """What the JSON holds: a seed's figures are over the windows of all its splits.

    `lost` is the accuracy on untouched windows less that under the condition, by seed.
    """
    seeds = list(dict.fromkeys(result.seed for result in results))
    conditions = results[0].perturbed["conditions"]

    def under(model: str, at: int) -> list[Confusion]:
        return pooled([(result.seed, result.confusion[model][at]) for result in results])

    untouched = {model: [each.accuracy for each in under(model, 0)] for model in MODELS}

    def figures(model: str, at: int) -> dict[str, Any]:
        found = under(model, at)
        before = zip(untouched[model], found, strict=True)
        lost = over_seeds([first - each.accuracy for first, each in before])
        return accuracies(found) | {"lost": lost}

    return {
        "seeds": seeds,
        "test_subjects": list(dict.fromkeys(s for r in results for s in r.perturbed["subjects"])),
        "windows": under("int8", 0)[0].windows,
        "differing_bytes": sum(result.differing_bytes for result in results),
        "conditions": [
            {key: condition[key] for key in ("kind", "strength", "unit")}
            | {"models": {model: figures(model, at) for model in MODELS}}
            for at, condition in enumerate(conditions)
        ],
    }


def _table(data: dict[str, Any]) -> Table:
    seeds = len(data["seeds"])
    return Table(
        f"{data['dataset']}: accuracy under what may befall a worn device, and the points it costs",
        ["condition", *(head for model in MODELS for head in (model, "points"))],
        [
            [
                f"{each['kind']} {each['strength'] or ''} {each['unit']}".strip(),
                *(
                    cell
                    for model in MODELS
                    for found in [each["models"][model]]
                    for cell in (percent(found["accuracy"]), _points(found["lost"]["mean"]))
                ),
            ]
            for each in data["conditions"]
        ],
        [
            f"{data['windows']} windows a condition, of held-out subjects"
            f" {', '.join(data['test_subjects'])}"
            + (f"; mean ± deviation over {seeds} seeds." if seeds > 1 else "; one seed."),
            f"int8 {data['student']} on {data['board']}:"
            f" {data['differing_bytes']} bytes differ from TFLM's.",
        ],
    )


def _points(lost: float) -> str:
    """What accuracy changed by; no sign where it did not."""
    return f"{-100 * lost:+.1f}" if round(1000 * lost) else "0.0"
