"""What to train, and all of it: splits of a protocol, seeds, and what they say together."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midfuse.core.errors import InputError
from midfuse.core.files import write_model
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import OverSeeds, SeedSpread, Training, TrainResult
from midfuse.core.scores import Spread
from trainer.data.datasets import DataSet, load_dataset
from trainer.data.protocols import Split, splits
from trainer.run import ranks
from trainer.run.figures import Scores, pooled
from trainer.run.folder import Run, fingerprint, interrupted_config
from trainer.run.pipeline import Trained, train
from trainer.run.recipe import STUDENTS, Recipe


class Plan(BaseModel):
    """What `midfuse train` was asked for.

    `window` is the length of one, None the data set's usual. `modalities` are those of student and
    teacher, None is all; `teacher_modalities` are more for the teacher alone. `split` is by number,
    None is every one. With `validation` its subjects do not train. `compare` names some of
    `trainer.run.stages.COMPARED`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    data: str | None
    window: Annotated[int, Field(gt=0)] | None = None
    modalities: list[str] | None
    teacher_modalities: list[str] | None
    protocol: str
    split: int | None
    validation: bool
    seeds: Annotated[list[int], Field(min_length=1)]
    student: str
    compare: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Study:
    """Trainings by (split, seed); `splits` is how many the protocol has."""

    dataset: DataSet
    splits: int
    trainings: dict[tuple[int, int], Trained]

    @property
    def models(self) -> list[str]:
        return list(next(iter(self.trainings.values())).figures)

    def scores(self, model: str) -> list[Scores]:
        """Of one model on the test windows: an entry a seed, its splits pooled."""
        seeds = dict.fromkeys(seed for _, seed in self.trainings)
        return [
            pooled([t.figures[model] for (_, s), t in self.trainings.items() if s == seed])
            for seed in seeds
        ]

    def result(self) -> TrainResult:
        """What summary.json holds and `midfuse train` answers.

        `figures` are mean and spread over seeds; those of each training are in `trainings`.
        """
        return TrainResult(
            dataset=self.dataset.name,
            repairs=dict(self.dataset.repairs),
            splits=self.splits,
            figures={
                model: OverSeeds(
                    accuracy=_over_seeds([s.accuracy for s in self.scores(model)]),
                    macro_f1=_over_seeds([s.macro_f1 for s in self.scores(model)]),
                )
                for model in self.models
            },
            trainings=[
                Training(split=split, seed=seed, **dict(trained.result(self.dataset.labels)))
                for (split, seed), trained in self.trainings.items()
            ],
        )


def study(
    plan: Plan, out: Path, *, resume: bool, tensorboard: bool, progress: Progress = SILENT
) -> Study | None:
    """Train what is planned into `out`: a single training right there, several into a folder each.

    With `resume`, goes on with the run in `out`, which began with the same plan. What comes of it
    is None in all processes of `torchrun` but the first.

    Raises:
        InputError: a data set that cannot be read or split, no such split, or `out` cannot be
            used.
    """
    dataset, modalities = planned_dataset(plan, progress)
    known = splits(dataset, plan.protocol)
    chosen = list(_chosen(plan, known))
    recipe = Recipe(size=STUDENTS[plan.student])
    config = {
        "plan": plan.model_dump(),
        "recipe": asdict(recipe),
        "data_sha256": fingerprint(dataset),
    }
    begin = Run.resume if resume else Run.start
    trainings = {}
    with begin(out, config, tensorboard) as run:
        for seed in plan.seeds:
            for at, subjects in chosen:
                name = f"split-{at}-seed-{seed}" if len(chosen) * len(plan.seeds) > 1 else ""
                trained = train(
                    dataset,
                    modalities,
                    subjects if plan.validation else subjects.chosen(),
                    seed,
                    out / name,
                    recipe,
                    run.part(name),
                    plan.compare,
                    progress,
                )
                if trained is not None:
                    trainings[at, seed] = trained
        if ranks.rank() != 0:
            return None
        found = Study(dataset, len(known), trainings)
        write_model(out / "summary.json", found.result())
    return found


def _over_seeds(values: list[float]) -> SeedSpread:
    return SeedSpread(**asdict(Spread.of(values)))


def planned_dataset(plan: Plan, progress: Progress = SILENT) -> tuple[DataSet, list[str]]:
    """The data set that a plan names with all sensors that the teacher sees; the student's names.

    Raises:
        InputError: it cannot be read, or lacks a sensor.
    """
    dataset = load_dataset(plan.dataset, None if plan.data is None else Path(plan.data), progress)
    if plan.window is not None:
        dataset = dataset.in_windows_of(plan.window)
    own = dataset if plan.modalities is None else dataset.only(plan.modalities)
    modalities = [modality.name for modality in own.modalities]
    return dataset.only([*modalities, *(plan.teacher_modalities or [])]), modalities


def interrupted_plan(folder: Path) -> Plan:
    """What the unfinished run in a folder was asked for.

    Raises:
        InputError: no unfinished run there, or its configuration is damaged.
    """
    return plan_of(interrupted_config(folder), folder)


def plan_of(config: Mapping[str, Any], folder: Path) -> Plan:
    """The plan in a run's configuration, which lies in `folder`.

    Raises:
        InputError: the configuration is damaged.
    """
    try:
        return Plan.model_validate(config.get("plan"))
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InputError(
            f"{folder}: the configuration's plan.{field} is damaged", "train again"
        ) from None


def _chosen(plan: Plan, known: list[Split]) -> Iterator[tuple[int, Split]]:
    if plan.split is None:
        yield from enumerate(known)
    elif 0 <= plan.split < len(known):
        yield plan.split, known[plan.split]
    else:
        raise InputError(
            f"`split` {plan.split}: protocol {plan.protocol} of {plan.dataset} has no such split",
            f"choose 0 to {len(known) - 1}",
        )
