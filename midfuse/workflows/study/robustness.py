"""`midfuse study robustness`: what becomes of teacher, student and int8 when sensors are worn.

Every condition is that of `midfuse perturb`. Teacher and student answer there, in float; int8
answers on the board, over the very windows that `perturb` wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from midfuse.core.oracle import read_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import (
    ConditionFigures,
    Evaluation,
    PerturbResult,
    Result,
    RobustnessResult,
    StudiedCondition,
)
from midfuse.core.scores import Confusion
from midfuse.workflows.calls import require_board, same_bytes
from midfuse.workflows.study.figures import accuracies, answered, over_seeds, percent, pooled
from midfuse.workflows.study.jobs import Chain, Step, run_chains
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.plots import draw_robustness
from midfuse.workflows.study.report import Report, Table

# In the table's order, with what people call them.
MODELS = {"teacher": "teacher", "student_tuned_float": "student", "on_device": "int8"}


@dataclass(frozen=True)
class Outcome:
    """One training: confusions by model, an entry a condition; `perturbed` as answered."""

    seed: int
    confusion: dict[str, list[Confusion]]
    perturbed: PerturbResult
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
    found = summarise(plan, list(dict.fromkeys(split for split, _ in runs)), results)
    failure = same_bytes(found.differing_bytes, plan.board)
    return Report(found, [_table(found)], partial(draw_robustness, found), failure)


def chain_of(plan: Plan, split: int, seed: int) -> Chain:
    """What is run for one split and seed."""
    folder = plan.out / f"split-{split}-seed-{seed}"
    command = ("perturb", str(folder / "train"))
    return [
        plan.train(folder, split, seed, "--student", plan.student),
        plan.convert(folder),
        Step(f"perturb {folder.name}", command, folder / "perturbed", PerturbResult),
        plan.evaluate(folder, "perturbed/perturbed.npz"),
    ]


def _result(seed: int, chain: Chain, answers: Sequence[Result]) -> Outcome:
    _, _, perturbed, evaluated = answers
    assert isinstance(perturbed, PerturbResult)
    assert isinstance(evaluated, Evaluation)
    windows, board = (step.folder for step in chain[2:])
    conditions = perturbed.conditions
    confusion = {
        model: [Confusion(np.array(each.figures[model].confusion)) for each in conditions]
        for model in conditions[0].figures
    }
    labels = read_npz(windows / "perturbed.npz")["labels"]
    parts = [slice(each.first, each.first + each.windows) for each in conditions]
    confusion["on_device"] = answered(board / "outputs.npz", labels, parts)
    return Outcome(seed, confusion, perturbed, evaluated.differing_bytes)


def summarise(plan: Plan, splits: list[int], results: Sequence[Outcome]) -> RobustnessResult:
    """A seed's figures are over the windows of all its splits.

    `lost` is the accuracy on untouched windows less that under the condition, by seed.
    """

    def under(model: str, at: int) -> list[Confusion]:
        return pooled([(result.seed, result.confusion[model][at]) for result in results])

    untouched = {model: [each.accuracy for each in under(model, 0)] for model in MODELS}

    def figures(model: str, at: int) -> ConditionFigures:
        found = under(model, at)
        before = zip(untouched[model], found, strict=True)
        lost = over_seeds([first - each.accuracy for first, each in before])
        return ConditionFigures(**dict(accuracies(found)), lost=lost)

    return RobustnessResult(
        study=plan.study,
        command=plan.command(),
        dataset=plan.dataset,
        splits=splits,
        seeds=list(dict.fromkeys(result.seed for result in results)),
        student=plan.student,
        board=plan.board,
        test_subjects=list(dict.fromkeys(s for r in results for s in r.perturbed.subjects)),
        windows=under("on_device", 0)[0].windows,
        differing_bytes=sum(result.differing_bytes for result in results),
        conditions=[
            StudiedCondition(
                kind=condition.kind,
                strength=condition.strength,
                unit=condition.unit,
                models={model: figures(model, at) for model in MODELS},
            )
            for at, condition in enumerate(results[0].perturbed.conditions)
        ],
    )


def _table(found: RobustnessResult) -> Table:
    seeds = len(found.seeds)
    return Table(
        f"{found.dataset}: accuracy under what may befall a worn device, and the points it costs",
        ["condition", *(head for title in MODELS.values() for head in (title, "points"))],
        [
            [
                f"{each.kind} {each.strength or ''} {each.unit}".strip(),
                *(
                    cell
                    for model in MODELS
                    for figures in [each.models[model]]
                    for cell in (percent(figures.accuracy), _points(figures.lost.mean))
                ),
            ]
            for each in found.conditions
        ],
        [
            f"{found.windows} windows per condition, of held-out subjects"
            f" {', '.join(found.test_subjects)}"
            + (f"; mean ± deviation over {seeds} seeds." if seeds > 1 else "; one seed."),
            f"int8 {found.student} on {found.board}:"
            f" {found.differing_bytes} bytes differ from TFLM's.",
        ],
    )


def _points(lost: float) -> str:
    """What accuracy changed by; no sign where it did not."""
    return f"{-100 * lost:+.1f}" if round(1000 * lost) else "0.0"
