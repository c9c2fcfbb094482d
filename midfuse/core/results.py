"""What the stages answer: each command prints one of these as JSON, and the next stage reads it.

`docs/schemas` has them as JSON schemas (`make docs` writes them). One row has one name everywhere:

- `float_model`: any model as it was given; `float_tflite`: what the converter lowered it to;
  `int8_host`: its int8 form under TensorFlow Lite Micro on the host; `on_device`: the same on a
  board.
- Of a training: `trees`, `cnn`, `deepconvlstm`, `early_fusion`, `late_fusion`, `mid_fusion`,
  `teacher`, `student_alone`, `student_float` (distilled), `student_tuned` (on its int8 grids, in
  PyTorch), `student_tuned_float` (the same weights in float). `student_int8_untuned` and
  `student_int8_host` are the distilled and the tuned one's `int8_host`.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from midfuse.core.card import Modality, Window


class Part(BaseModel):
    """A part of a result: read strictly, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(Part):
    """What a command answers; a reader refuses a `schema_version` that it does not know."""

    def to_json(self) -> dict[str, Any]:
        """The result in JSON's own types."""
        return self.model_dump(mode="json")


class Spread(Part):
    """One figure over all windows."""

    mean: float
    min: float
    max: float


class SeedSpread(Part):
    """Mean and sample standard deviation over seeds; no deviation of one seed."""

    mean: float
    deviation: float | None


# Training


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


# Conversion


class RangeCounts(Part):
    """How many activation ranges were trained, and how many observed on calibration windows."""

    trained: int
    observed: int


class SameClass(Part):
    """Windows that got the float model's class; null where the output is no row of classes."""

    float_tflite: int | None
    int8_host: int | None


class ConvertAgreement(Part):
    """How far int8 answers what the float model answers; `sqnr_db` null without any error."""

    windows: int
    held_out: bool
    sqnr_db: float | None
    same_class: SameClass


class CorrectCounts(Part):
    """Windows classified right."""

    float_model: int
    float_tflite: int
    int8_host: int


class ConvertAccuracy(Part):
    """Accuracies on labelled windows, and the counts they come from."""

    windows: int
    float_model: float
    float_tflite: float
    int8_host: float
    correct: CorrectCounts


class FixScore(Part):
    """An int8 model against the float model."""

    sqnr_db: float
    agreement: float | None
    accuracy: float | None


class Fix(Part):
    """One fix that was tried, what it changes, and the scores without and with it."""

    name: str
    change: str
    before: FixScore
    after: FixScore
    kept: bool


class ConvertResult(Result):
    """What `midfuse convert` answers; the ops are in `per_op.json`. `verdicts` counts ops;
    `missed` has a sentence for each limit that does not hold; `fixes` is null where none was asked
    for; `bytes` is the size of the `.tflite`.
    """

    schema_version: Literal[1] = 1
    name: str
    tflite: str
    sha256: str
    bytes: int
    ops: int
    float_error: float
    ranges: RangeCounts
    calibration_windows: int
    check_windows: int
    agreement: ConvertAgreement
    accuracy: ConvertAccuracy | None
    verdicts: dict[str, int]
    first_broken: int | None
    missed: list[str]
    fixes: list[Fix] | None
    card: bool
    files: list[str]


# Images


class MemoryUse(Part):
    """Bytes of a compiled model.

    `peak_bytes` are alive at once during the op of index `peak_op`: no arena can be smaller. It is
    null where nothing is computed. `largest_op` reads the most bytes of constants.
    """

    arena_bytes: int
    peak_bytes: int
    peak_op: int | None
    peak_op_name: str
    constant_bytes: int
    largest_bytes: int
    largest_op: int | None
    largest_op_name: str

    @property
    def peak(self) -> str:
        """For people: which op sets the arena's size."""
        return f"peak {self.peak_bytes} bytes{_at(self.peak_op, self.peak_op_name)}"

    @property
    def largest(self) -> str:
        """For people: which op brings the most constants."""
        return f"the most, {self.largest_bytes}{_at(self.largest_op, self.largest_op_name)}"


def _at(op: int | None, name: str) -> str:
    return "" if op is None else f" at op {op} ({name})"


class ImageStep(Part):
    """One step of an inference, and the indices of the .tflite's operators that it carries out.

    `work` is the part of their arithmetic that it does, where several steps have the same ones.
    """

    name: str
    ops: list[int]
    work: float = 1.0


class ImageFile(MemoryUse, Result):
    """What `firmware.json` beside an image says about it; the figures are bytes.

    `runtime` is what carries out an inference: midfuse, tflm or tflm-cmsis-nn. RAM and flash are
    null for a board that is a process of this computer. `flash_parts` add up to `flash_bytes`.
    `image_id` is what the board answers with; `image_sha256` is the .elf's.
    """

    schema_version: Literal[4] = 4
    board: str
    runtime: str
    model_sha256: str
    image_id: str
    image_sha256: str
    observable: bool
    steps: list[ImageStep]
    flash_bytes: int | None
    flash_parts: dict[str, int] | None
    static_ram_bytes: int | None
    stack_reserved_bytes: int | None


class Image(ImageFile):
    """What `midfuse build` answers: a firmware image, `elf`, `binary` where the board's flash takes
    one, and its figures.
    """

    elf: Path
    binary: Path | None

    @property
    def reserved_ram_bytes(self) -> int | None:
        """What its sections and its stack take."""
        if self.static_ram_bytes is None or self.stack_reserved_bytes is None:
            return None
        return self.static_ram_bytes + self.stack_reserved_bytes

    @property
    def files(self) -> list[Path]:
        found = [self.elf, self.elf.with_suffix(".json")]
        if self.binary is None:
            return found
        return [found[0], self.binary, self.elf.with_suffix(".map"), found[1]]


class SourceFolder(MemoryUse, Result):
    """What `midfuse build --source-only` answers: the model's name in C, its memory, the files."""

    schema_version: Literal[1] = 1
    symbol: str
    files: list[Path]


# A board's answers


class LinkStatistics(Part):
    """What the line cost: requests answered, sent again, damaged frames, sessions lost."""

    requests: int = 0
    retries: int = 0
    damaged: int = 0
    resets: int = 0


class OpBytes(Part):
    """One op's output tensor on the board, compared with the oracle's."""

    op: int
    name: str
    tensor: str
    bytes: int
    differing_bytes: int


class Evaluation(Result):
    """What `midfuse evaluate` answers, and `evaluation.json` holds.

    `largest_difference` is that of one output value in the output's own type, at most `tolerance`
    if the runtime keeps its promise; a tolerance of 0 promises the same bytes.
    `instructions_per_inference` is null on a board that counts time; `nanoseconds_per_inference`
    is what the board's clock says, on an emulated one virtual time. RAM and flash are null on a
    board that is a process of this computer.
    """

    schema_version: Literal[1] = 1
    board: str
    runtime: str
    model: str
    model_sha256: str
    windows: int
    accuracy: float | None
    differing_bytes: int
    largest_difference: float
    tolerance: float
    compared_with: str
    instructions_per_inference: Spread | None
    nanoseconds_per_inference: Spread
    ram_bytes: int | None
    stack_bytes: int | None
    flash_bytes: int | None
    arena_bytes: int
    seconds: dict[str, float]
    link: LinkStatistics
    per_op: list[OpBytes] | None
    per_op_windows: int


class StepProfile(Part):
    """One step: the .tflite's operators that it joins, and what it takes in `Profile.unit`."""

    step: int
    name: str
    ops: list[int]
    taken: float
    share: float
    macs: int


class Profile(Result):
    """What `midfuse profile` answers, and `profile.json` holds: means over the windows.

    `unit` is instructions, or nanoseconds where the board's counter counts time. `steps_taken` is
    the steps' sum, `taken` the whole inference.
    """

    schema_version: Literal[1] = 1
    board: str
    runtime: str
    model: str
    model_sha256: str
    windows: int
    unit: str
    taken: float
    steps_taken: float
    macs: int
    steps: list[StepProfile]

    @property
    def difference(self) -> float:
        """How much of the whole the steps miss, as a share of it; negative if they exceed it."""
        return 1 - self.steps_taken / self.taken if self.taken else 0.0


class Figures(Part):
    """Figures of one inference on one core; those that are not known are null."""

    instructions: float | None = Field(default=None, gt=0)
    instructions_per_mac: float | None = Field(default=None, gt=0)
    ram_bytes: int | None = Field(default=None, gt=0)
    flash_bytes: int | None = Field(default=None, gt=0)
    arena_bytes: int | None = Field(default=None, gt=0)

    def known(self) -> dict[str, float]:
        """Those that are known, by name."""
        return self.model_dump(exclude_none=True)


class Target(Part):
    """A figure that is to be at most `at_most`."""

    figure: str
    found: float
    at_most: float
    met: bool


class Cell(Part):
    """One model on one board, over all windows; sizes in bytes.

    `flash_parts` add up to `flash_bytes`. `runtimes` are other runtimes' figures by name,
    recorded or measured here; `runtimes_differing_bytes` is of those measured here.
    """

    model: str
    model_sha256: str
    board: str
    core: str
    instructions: Spread
    macs: int
    ram_bytes: int
    flash_bytes: int
    flash_parts: dict[str, int]
    arena_bytes: int
    differing_bytes: int
    profile: Profile
    runtimes: dict[str, Figures]
    runtimes_differing_bytes: dict[str, int]
    targets: list[Target]

    @property
    def name(self) -> str:
        return Path(self.model).stem


class Bench(Result):
    """What `midfuse bench` answers, and `bench.json` holds; `skipped` says in one line each what
    could not be run, and why.
    """

    schema_version: Literal[1] = 1
    windows: int
    how_others_were_measured: str
    cells: list[Cell]
    skipped: list[str]


class BoardResult(Result):
    """What `midfuse boards NAME` answers, beside all that its board.toml says.

    `missing` is what building and emulating lack on this machine, a line each; `here` says so of
    every way to use the board. `instructions_per_tick` is 0 where ticks are time.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: Literal[1] = 1
    name: str
    title: str
    missing: list[str]
    here: dict[str, str]
    instructions_per_tick: float


# Workflows


class SplitSummary(Part):
    """One subject split of a run."""

    split: int
    test_subjects: list[str]
    windows: int
    accuracy: dict[str, float]


class RunResult(Result):
    """What `midfuse run` answers, and `summary.json` holds: accuracies over all held-out windows of
    all splits, by model. Instructions are the mean over the splits, RAM and flash the largest.
    """

    schema_version: Literal[1] = 1
    dataset: str
    board: str
    accuracy: dict[str, float]
    windows: int
    differing_bytes: int
    instructions_per_inference: float | None
    ram_bytes: int | None
    flash_bytes: int | None
    seconds: dict[str, float]
    splits: list[SplitSummary]


class FlashResult(Result):
    """What `midfuse flash` answers of a real board; `identified` when the board itself has named
    the image over `port`. `probe` is empty where the tool took the only one there was.
    """

    schema_version: Literal[1] = 1
    board: str
    backend: str
    probe: str
    image_id: str
    model_sha256: str
    written_bytes: int
    verified: bool
    identified: bool
    port: str | None


# Studies


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
