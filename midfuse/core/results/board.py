"""What the commands answer that run a board or describe one."""

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, field_serializer

from midfuse.core.results.base import Part, Result, Spread


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

    @field_serializer("runtimes")
    def _known(self, runtimes: dict[str, Figures]) -> dict[str, dict[str, float]]:
        return {name: figures.known() for name, figures in runtimes.items()}


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
