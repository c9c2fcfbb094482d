"""`midfuse train`."""

import sys
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Group
from rich.table import Table

from midfuse.cli.console import Outcome, Terminal, command
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT
from midfuse.core.scores import Spread
from trainer.data.datasets import DATASETS
from trainer.data.protocols import PROTOCOLS, USUAL
from trainer.run import ranks
from trainer.run.recipe import STUDENTS
from trainer.run.stages import COMPARED
from trainer.run.study import Plan, Study, interrupted_plan, study


@command(
    name="train",
    help="Train teacher, student and trees on real recordings; figures are of held-out subjects.",
)
@click.option("--dataset", default="seglearn-watch", show_default=True, help=", ".join(DATASETS))
@click.option(
    "--data", type=click.Path(path_type=Path), help="Where the data set lies, if not in a package."
)
@click.option(
    "--window",
    type=click.IntRange(1, 10_000),
    metavar="SAMPLES",
    help="Length of a window; the data set's usual one if left out.",
)
@click.option("--modalities", help="Only these sensors, with commas between; all if left out.")
@click.option(
    "--teacher-modalities",
    help="More sensors for the teacher alone, with commas between.",
)
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default=USUAL,
    show_default=True,
    help="Test split: the data set's standard split (5 folds if it has none), 5 folds, or"
    " leave-one-subject-out.",
)
@click.option("--split", default=0, show_default=True, help="Which split of the protocol.")
@click.option("--all-splits", is_flag=True, help="Every split of the protocol in turn.")
@click.option(
    "--validation",
    is_flag=True,
    help="Also hold out validation subjects for model selection (otherwise they are used for"
    " training).",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of weights and draws.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of seeds, from --seed on.",
)
@click.option(
    "--student",
    type=click.Choice(list(STUDENTS)),
    default="student-m",
    show_default=True,
    help="About 10, 20 or 60 KB of int8 weights.",
)
@click.option(
    "--compare",
    help=f"Train these too, with commas between, or all: {', '.join(COMPARED).replace('_', '-')}.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/train"), show_default=True
)
@click.option("--tensorboard", is_flag=True, help="Write event files into the folder too.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Go on with an interrupted training, exactly as it began.",
)
def train(
    dataset: str,
    data: Path | None,
    window: int | None,
    modalities: str | None,
    teacher_modalities: str | None,
    protocol: str,
    split: int,
    all_splits: bool,
    validation: bool,
    seed: int,
    seeds: int,
    student: str,
    compare: str | None,
    out: Path,
    tensorboard: bool,
    resume: Path | None,
) -> Outcome:
    """Train and write everything that the later stages need."""
    if resume is None:
        plan = Plan(
            dataset=dataset,
            data=None if data is None else str(data.resolve()),
            window=window,
            modalities=_names(modalities),
            teacher_modalities=_names(teacher_modalities),
            protocol=protocol,
            split=None if all_splits else split,
            validation=validation,
            seeds=list(range(seed, seed + seeds)),
            student=student,
            compare=_compared(compare),
        )
    else:
        _alone("resume", "tensorboard", "as_json", "debug")
        plan, out = interrupted_plan(resume), resume
    with ranks.joined():
        progress = Terminal() if ranks.rank() == 0 else SILENT
        found = study(
            plan, out, resume=resume is not None, tensorboard=tensorboard, progress=progress
        )
    if found is None:
        sys.exit(0)
    written = [file for t in found.trainings.values() for file in t.files.values()]
    files = [*(written if len(found.trainings) == 1 else []), out / "summary.json"]
    return Outcome(found.result().to_json(), Group(found.dataset.repaired, _table(found)), files)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _compared(text: str | None) -> list[str]:
    """Names as the figures have them, in their order."""
    known = {name.replace("_", "-"): name for name in COMPARED}
    names = list(known) if text == "all" else _names(text) or []
    for name in names:
        if name not in known:
            raise InputError(f"--compare {name}: unknown", f"known: {', '.join(known)}, all")
    return [name for option, name in known.items() if option in names]


def _alone(*beside: str) -> None:
    """Refuse options beside --resume: a resumed run is as it began."""
    context = click.get_current_context()
    for name in context.params:
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in beside:
            raise InputError(
                f"--resume: goes on as it began, without --{name.replace('_', '-')}",
                "leave that out",
            )


def _table(found: Study) -> Table:
    """Accuracy and macro-F1 of each model, mean and spread over seeds, and what it costs."""
    tested = [name for each in found.trainings.values() for name in each.subjects.test]
    seeds = len({seed for _, seed in found.trainings})
    trained = next(iter(found.trainings.values()))
    first = found.scores(found.models[0])[0]
    table = Table(
        *("model", "held-out accuracy", "macro F1", "parameters", "MACs a window"),
        caption=f"{first.windows} windows of subjects {', '.join(dict.fromkeys(tested))}"
        + (f"; mean and deviation over {seeds} seeds" if seeds > 1 else ""),
    )
    for model in found.models:
        scores = found.scores(model)
        accuracy = Spread.of([s.accuracy for s in scores])
        macro_f1 = Spread.of([s.macro_f1 for s in scores])
        network = "student" if model.startswith("student") else model
        costs = [
            f"{counts[network]:,}" if network in counts else ""
            for counts in (trained.parameters, trained.macs)
        ]
        table.add_row(model.replace("_", " "), str(accuracy), str(macro_f1), *costs)
    return table
