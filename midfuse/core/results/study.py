"""What the studies answer."""

from typing import Literal

from midfuse.core.results.base import Part, Result, SeedSpread


class BySeed(SeedSpread):
    """A figure over seeds, and its entries."""

    by_seed: list[float]


class StudyFigures(Part):
    """Accuracy and macro-F1 over seeds; a seed's are over the windows of all its splits."""

    accuracy: BySeed
    macro_f1: BySeed


class StudyResult(Result):
    """What every study answers: `study` is its name, `command` the line that repeats it."""

    schema_version: Literal[1] = 1
    study: str
    command: str
    dataset: str
    splits: list[int]
    seeds: list[int]


class StudiedModel(StudyFigures):
    """One model of a study; `parameters` and `macs` are null for the trees."""

    parameters: int | None
    macs: int | None


class StudiedBoard(Part):
    """The int8 student on the board; instructions are the mean over trainings, RAM and flash the
    largest.
    """

    name: str
    instructions_per_inference: float | None
    ram_bytes: int | None
    flash_bytes: int | None
    differing_bytes: int


class EffectivenessResult(StudyResult):
    """What `midfuse study effectiveness` answers; `distillation_gain` is distilled minus alone, by
    seed, null where the student alone was not trained.
    """

    student: str
    compare: str
    test_subjects: list[str]
    windows: int
    models: dict[str, StudiedModel]
    board: StudiedBoard
    distillation_gain: StudyFigures | None


class TeacherPoint(StudyFigures):
    """The teacher at one point of an axis; weights in float32."""

    parameters: int
    macs: int
    weight_bytes: int


class StudentPoint(StudyFigures):
    """The int8 student at one point of an axis: its mean instructions, its largest memory."""

    parameters: int
    macs: int
    instructions: float
    ram_bytes: int
    flash_bytes: int
    differing_bytes: int


class PointFigures(Part):
    """One point of an axis."""

    windows: int
    teacher: TeacherPoint
    student: StudentPoint


class AxisPoint(PointFigures):
    """One point of an axis, as the axis names it."""

    label: str


class ScalabilityResult(StudyResult):
    """What `midfuse study scalability` answers: points by axis."""

    board: str
    axes: dict[str, list[AxisPoint]]


class ConditionFigures(StudyFigures):
    """Of one model under a condition; `lost` is the accuracy that the condition costs."""

    lost: BySeed


class StudiedCondition(Part):
    """One condition of a worn device, with figures by model."""

    kind: str
    strength: float | str
    unit: str
    models: dict[str, ConditionFigures]


class RobustnessResult(StudyResult):
    """What `midfuse study robustness` answers: conditions in order, untouched first."""

    student: str
    board: str
    test_subjects: list[str]
    windows: int
    differing_bytes: int
    conditions: list[StudiedCondition]
