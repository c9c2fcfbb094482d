"""`midfuse study scalability`: what modalities, window and width cost and bring.

The teacher has no int8 form, TFLite Micro lacks its GELU: of it multiply-accumulates, parameters
and float weights are shown, and no instructions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean

import numpy as np

from midfuse.core.errors import InputError
from midfuse.core.oracle import read_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import (
    AxisPoint,
    Bench,
    DataResult,
    PointFigures,
    Result,
    ScalabilityResult,
    StudentPoint,
    TeacherPoint,
    TrainResult,
)
from midfuse.core.scores import Confusion
from midfuse.workflows.calls import require_board, same_bytes
from midfuse.workflows.study.figures import accuracies, answered, percent, pooled, thousands
from midfuse.workflows.study.jobs import Chain, Step, run_chains
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.plots import draw_scalability
from midfuse.workflows.study.report import Report, Table

STUDENTS = ("student-s", "student-m", "student-l")
# Instructions hardly depend on what is in a window.
_INFERENCES = 4
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Point:
    """What is trained: on which modalities, which window in samples (None: the usual), which
    student."""

    modalities: tuple[str, ...]
    window: int | None
    student: str

    @property
    def folder(self) -> str:
        window = "" if self.window is None else f"-{self.window}"
        return f"{'+'.join(self.modalities)}{window}-{self.student}"


# By axis: what the figure says below each point.
Axes = Mapping[str, Sequence[tuple[str, Point]]]


def scalability(plan: Plan, progress: Progress = SILENT) -> Report:
    """Train, convert and run each point of the three axes; what axes share is trained once.

    Raises:
        InputError: the board counts no instructions.
        MidfuseError: a command failed.
        Interrupted: by Ctrl-C.
    """
    if not require_board(plan.board).instructions_per_tick:
        raise InputError(f"`board` {plan.board}: counts no instructions", "name an emulated board")
    axes = axes_of(plan, plan.describe(progress))
    points = list(dict.fromkeys(point for axis in axes.values() for _, point in axis))
    runs = [(point, *run) for point in points for run in plan.runs(progress)]
    chains = [_chain(plan, *run) for run in runs]
    answers = run_chains(chains, plan.jobs, progress)
    found = {
        point: _figures(
            [
                (seed, chain, answer)
                for (p, _, seed), chain, answer in zip(runs, chains, answers, strict=True)
                if p == point
            ]
        )
        for point in points
    }
    result = ScalabilityResult(
        study=plan.study,
        command=plan.command(),
        dataset=plan.dataset,
        splits=list(dict.fromkeys(split for _, split, _ in runs)),
        seeds=list(range(plan.seeds)),
        board=plan.board,
        axes={
            name: [AxisPoint(label=label, **dict(found[point])) for label, point in axis]
            for name, axis in axes.items()
        },
    )
    failures = [
        same_bytes(point.student.differing_bytes, plan.board, f"{point.label}: ")
        for axis in result.axes.values()
        for point in axis
    ]
    failure = next((each for each in failures if each is not None), None)
    return Report(result, _tables(result), partial(draw_scalability, result), failure)


def axes_of(plan: Plan, recordings: DataResult) -> Axes:
    """Each modality alone, then more and more of them; half, once and twice the window; the three
    students. What is not varied is as the plan has it, which is a point of every axis."""
    names = [modality.name for modality in recordings.modalities]
    if plan.modalities is not None:
        names = [name.strip() for name in plan.modalities.split(",")]
    usual = Point(tuple(names), None, plan.student)
    sets = [(name,) for name in names] + [tuple(names[:n]) for n in range(2, len(names) + 1)]
    length = recordings.window.length
    windows = {length // 2: length // 2, length: None, 2 * length: 2 * length}
    return {
        "modalities": [(" + ".join(each), replace(usual, modalities=each)) for each in sets],
        "window": [
            (f"{samples} samples", replace(usual, window=asked))
            for samples, asked in windows.items()
        ],
        "width": [(name, replace(usual, student=name)) for name in STUDENTS],
    }


def _chain(plan: Plan, point: Point, split: int, seed: int) -> Chain:
    folder = plan.out / point.folder / f"split-{split}-seed-{seed}"
    own = replace(plan, modalities=",".join(point.modalities))
    more = ["--student", point.student]
    if point.window is not None:
        more += ["--window", str(point.window)]
    model = folder / "int8" / "student_int8.tflite"
    bench = ("bench", str(model), "--board", plan.board, "--inferences", str(_INFERENCES))
    steps = [own.train(folder, split, seed, *more), own.convert(folder)]
    steps.append(Step("bench", bench, folder / "board", Bench))
    return [replace(step, name=f"{step.command[0]} {point.folder}") for step in steps]


def _figures(runs: Sequence[tuple[int, Chain, Sequence[Result]]]) -> PointFigures:
    """Of one point: a seed's figures are over the windows of all its splits."""
    teacher, student, cells = [], [], []
    for seed, chain, (trained, _, bench) in runs:
        assert isinstance(trained, TrainResult)
        assert isinstance(bench, Bench)
        (training,) = trained.trainings
        teacher.append((seed, Confusion(np.array(training.figures["teacher"].confusion))))
        expected = chain[1].folder / "expected.npz"
        (int8,) = answered(expected, read_npz(expected)["labels"])
        student.append((seed, int8))
        cells += bench.cells
    parameters, macs = training.parameters, training.macs
    return PointFigures(
        windows=pooled(teacher)[0].windows,
        teacher=TeacherPoint(
            **dict(accuracies(pooled(teacher))),
            parameters=parameters["teacher"],
            macs=macs["teacher"],
            weight_bytes=_FLOAT_BYTES * parameters["teacher"],
        ),
        student=StudentPoint(
            **dict(accuracies(pooled(student))),
            parameters=parameters["student"],
            macs=macs["student"],
            instructions=mean(cell.instructions.mean for cell in cells),
            ram_bytes=max(cell.ram_bytes for cell in cells),
            flash_bytes=max(cell.flash_bytes for cell in cells),
            differing_bytes=sum(cell.differing_bytes for cell in cells),
        ),
    )


def _tables(found: ScalabilityResult) -> list[Table]:
    rows = [point for points in found.axes.values() for point in points]
    seeds = len(found.seeds)
    brought = Table(
        f"{found.dataset}: what more sensors, samples and width bring",
        ["", "teacher", "its macro-F1", "student int8", "its macro-F1", "windows"],
        [
            [
                point.label,
                percent(point.teacher.accuracy),
                percent(point.teacher.macro_f1),
                percent(point.student.accuracy),
                percent(point.student.macro_f1),
                f"{point.windows:,}",
            ]
            for point in rows
        ],
        ["Accuracy and macro-F1 on held-out subjects"
         + (f", mean ± deviation over {seeds} seeds." if seeds > 1 else "; one seed.")],
    )  # fmt: skip
    cost = Table(
        f"What they cost; instructions, RAM and flash of the student on {found.board}",
        ["", "teacher\nMACs", "weights\nKB", "student\nMACs", "instructions", "RAM\nKB",
         "flash\nKB"],
        [
            [
                point.label,
                thousands(point.teacher.macs),
                f"{point.teacher.weight_bytes / 1024:.1f}",
                thousands(point.student.macs),
                thousands(point.student.instructions),
                f"{point.student.ram_bytes / 1024:.1f}",
                f"{point.student.flash_bytes / 1024:.1f}",
            ]
            for point in rows
        ],
        ["Weights are the teacher's, in float32."],
    )  # fmt: skip
    return [brought, cost]
