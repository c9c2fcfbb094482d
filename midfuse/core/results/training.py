"""What the trainer's commands answer."""

from typing import Literal

from midfuse.core.card import Modality, Window
from midfuse.core.results.base import Part, Result, SeedSpread


class ClassFigures(Part):
    """How one class was recognised."""

    precision: float
    recall: float
    f1: float
    windows: int


class ModelFigures(Part):
    """What a model made of windows; `confusion` has a row a true class and a column an answer."""

    correct: int
    windows: int
    accuracy: float
    macro_f1: float
    classes: dict[str, ClassFigures]
    subjects: dict[str, float]
    confusion: list[list[int]]


class SubjectSplit(Part):
    """Which subjects train, choose settings, and are only tested on."""

    train: list[str]
    validation: list[str]
    test: list[str]


class TrainingFigures(Result):
    """What `figures.json` of one training holds: `figures` of the test subjects and `validation`
    by model, `parameters` and `macs` (multiply-accumulates of one window) by network: the students
    are one, "student".
    """

    schema_version: Literal[1] = 1
    subjects: SubjectSplit
    windows: dict[str, int]
    figures: dict[str, ModelFigures]
    validation: dict[str, ModelFigures]
    parameters: dict[str, int]
    macs: dict[str, int]
    seconds: dict[str, float]
    files: dict[str, str]


class Training(TrainingFigures):
    """One training among several."""

    split: int
    seed: int


class OverSeeds(Part):
    """A model's figures over seeds."""

    accuracy: SeedSpread
    macro_f1: SeedSpread


class TrainResult(Result):
    """What `midfuse train` answers; `splits` is how many the protocol has, `figures` are mean and
    spread over seeds by model.
    """

    schema_version: Literal[1] = 1
    dataset: str
    repairs: dict[str, int]
    splits: int
    figures: dict[str, OverSeeds]
    trainings: list[Training]


class PerturbedFigures(Part):
    """What a model made of the windows of one condition."""

    correct: int
    accuracy: float
    macro_f1: float
    confusion: list[list[int]]


class PerturbedCondition(Part):
    """One condition of a worn device; its `windows` begin at `first` of perturbed.npz."""

    kind: str
    strength: float | str
    unit: str
    first: int
    windows: int
    figures: dict[str, PerturbedFigures]


class PerturbResult(Result):
    """What `midfuse perturb` answers: conditions in order, untouched first."""

    schema_version: Literal[1] = 1
    dataset: str
    subjects: list[str]
    seed: int
    windows: int
    conditions: list[PerturbedCondition]


class ClassContent(Part):
    """What a data set has of one class; `minutes` are of the common clock."""

    recordings: int
    minutes: float
    windows: int
    subjects: int


class SampleCounts(Part):
    """How long recordings are, in samples."""

    least: int
    median: int
    most: int


class DataResult(Result):
    """What `midfuse data NAME` answers; `splits` is 0 where the subjects are too few for one."""

    schema_version: Literal[1] = 1
    dataset: str
    title: str
    licence: str
    citation: str
    download: str
    subjects: list[str]
    test_subjects: list[str]
    splits: int
    window: Window
    modalities: list[Modality]
    classes: dict[str, ClassContent]
    recordings: int
    samples: SampleCounts
    repairs: dict[str, int]
    picture: str
