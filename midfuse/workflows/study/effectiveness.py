"""`midfuse study effectiveness`: every model of a training, down to int8 on the board."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean

import numpy as np

from midfuse.core.oracle import read_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import (
    EffectivenessResult,
    Evaluation,
    Result,
    StudiedBoard,
    StudiedModel,
    StudyFigures,
    Training,
    TrainResult,
)
from midfuse.core.scores import Confusion
from midfuse.workflows.calls import require_board, same_bytes
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
    "student_int8_untuned": ("student int8, after training", "student"),
    "student_int8_host": ("student int8, tuned", "student"),
    "on_device": ("student int8, on the board", "student"),
}


@dataclass(frozen=True)
class Outcome:
    """One training taken to the board: confusions by model, and what the commands answered."""

    split: int
    seed: int
    confusion: dict[str, Confusion]
    training: Training
    board: Evaluation


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
    found = summarise(plan, compare, results)
    failure = same_bytes(found.board.differing_bytes, plan.board)
    return Report(
        found, _tables(found), partial(draw_effectiveness, found, _titles(found)), failure
    )


def _chain(plan: Plan, split: int, seed: int, compare: str) -> Chain:
    folder = plan.out / f"split-{split}-seed-{seed}"
    return [
        plan.train(folder, split, seed, "--student", plan.student, "--compare", compare),
        plan.convert(folder, "untuned/student.safetensors", "untuned"),
        plan.convert(folder),
        plan.evaluate(folder),
    ]


def _result(split: int, seed: int, chain: Chain, answers: Sequence[Result]) -> Outcome:
    trained, _, _, evaluated = answers
    assert isinstance(trained, TrainResult)
    assert isinstance(evaluated, Evaluation)
    (training,) = trained.trainings
    confusion = {
        name: Confusion(np.array(figures.confusion))
        for name, figures in training.figures.items()
        if name in MODELS
    }
    _, untuned, tuned, board = (step.folder for step in chain)
    labels = read_npz(tuned / "expected.npz")["labels"]
    for name, path in (
        ("student_int8_untuned", untuned / "expected.npz"),
        ("student_int8_host", tuned / "expected.npz"),
        ("on_device", board / "outputs.npz"),
    ):
        (confusion[name],) = answered(path, labels)
    return Outcome(split, seed, confusion, training, evaluated)


def summarise(plan: Plan, compare: str, results: Sequence[Outcome]) -> EffectivenessResult:
    """A seed's figures are over the windows of all its splits."""
    scores = {
        name: pooled([(r.seed, r.confusion[name]) for r in results])
        for name in MODELS
        if name in results[0].confusion
    }
    first = results[0].training
    subjects = dict.fromkeys(s for r in results for s in r.training.subjects.test)
    gain = None
    if "student_alone" in scores:
        pairs = list(zip(scores["student_float"], scores["student_alone"], strict=True))
        gain = StudyFigures(
            accuracy=over_seeds(
                [distilled.accuracy - alone.accuracy for distilled, alone in pairs]
            ),
            macro_f1=over_seeds(
                [distilled.macro_f1 - alone.macro_f1 for distilled, alone in pairs]
            ),
        )
    return EffectivenessResult(
        study=plan.study,
        command=plan.command("--compare", compare),
        dataset=plan.dataset,
        splits=list(dict.fromkeys(result.split for result in results)),
        seeds=list(dict.fromkeys(result.seed for result in results)),
        student=plan.student,
        compare=compare,
        test_subjects=list(subjects),
        windows=scores["teacher"][0].windows,
        models={
            name: StudiedModel(
                **dict(accuracies(by_seed)),
                parameters=first.parameters.get(MODELS[name][1] or ""),
                macs=first.macs.get(MODELS[name][1] or ""),
            )
            for name, by_seed in scores.items()
        },
        board=_board([result.board for result in results]),
        distillation_gain=gain,
    )


def _board(found: Sequence[Evaluation]) -> StudiedBoard:
    counted = [each.instructions_per_inference for each in found]
    instructions = [spread.mean for spread in counted if spread is not None]
    return StudiedBoard(
        name=found[0].board,
        instructions_per_inference=mean(instructions) if instructions else None,
        ram_bytes=max((e.ram_bytes for e in found if e.ram_bytes is not None), default=None),
        flash_bytes=max((e.flash_bytes for e in found if e.flash_bytes is not None), default=None),
        differing_bytes=sum(each.differing_bytes for each in found),
    )


def _titles(found: EffectivenessResult) -> dict[str, str]:
    return {name: MODELS[name][0] for name in found.models}


def _tables(found: EffectivenessResult) -> list[Table]:
    seeds, board = len(found.seeds), found.board
    notes = [
        f"{found.windows} windows of held-out subjects {', '.join(found.test_subjects)}"
        + (f"; mean ± deviation over {seeds} seeds." if seeds > 1 else "; one seed.")
    ]
    gain = found.distillation_gain
    if gain is not None:
        notes.append(
            f"Distillation, distilled minus alone by seed: accuracy {points(gain.accuracy)},"
            f" macro-F1 {points(gain.macro_f1)}."
        )
    models = Table(
        f"{found.dataset}: what each model makes of people it has not seen",
        ["model", "accuracy", "macro-F1", "parameters", "MACs"],
        [
            [
                title,
                percent(figures.accuracy),
                percent(figures.macro_f1),
                thousands(figures.parameters),
                thousands(figures.macs),
            ]
            for (name, title) in _titles(found).items()
            for figures in [found.models[name]]
        ],
        notes,
    )
    device = Table(
        f"int8 {found.student} on {board.name}",
        ["instructions per inference", "RAM", "flash", "bytes that differ from TFLM's"],
        [
            [
                thousands(board.instructions_per_inference),
                kilobytes(board.ram_bytes),
                kilobytes(board.flash_bytes),
                str(board.differing_bytes),
            ]
        ],
    )
    return [models, device]
