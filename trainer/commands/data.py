"""`midfuse data`."""

from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.table import Table

from midfuse.cli.console import Outcome, Terminal, command, fields
from trainer.data.datasets import DATASETS, about, load_dataset
from trainer.data.overview import describe, draw


@command(help="Show what is in a data set; without NAME, list the data sets.")
@click.argument("name", required=False)
@click.option("--data", type=click.Path(path_type=Path), help="Where it lies, as downloaded.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/data"),
    show_default=True,
    help="Folder for the picture.",
)
def data(name: str | None, data: Path | None, out: Path) -> Outcome:
    """Describe one data set and draw a stretch of each class, or list all."""
    if name is None:
        return _listed()
    dataset = load_dataset(name, data, Terminal())
    picture = out / f"{name}.png"
    draw(dataset, picture)
    found = describe(dataset, picture)
    return Outcome(found.to_json(), _view(found.to_json(), dataset.repaired), [picture])


def _listed() -> Outcome:
    known = {name: about(name) for name in DATASETS}
    lines = {
        name: {
            "what": one.title,
            "get it at": one.download,
            "--data": one.layout,
            "licence": one.licence,
        }
        for name, one in known.items()
    }
    return Outcome({name: vars(one) for name, one in known.items()}, fields(lines))


def _view(found: dict[str, Any], repaired: str) -> Group:
    window, samples = found["window"], found["samples"]
    rate_hz = found["modalities"][0]["rate_hz"]
    whole = ", a whole recording stretched" if window["whole"] else f" every {window['hop']}"
    head = fields(
        {
            "title": found["title"],
            "subjects": f"{len(found['subjects'])}: {', '.join(found['subjects'])}",
            "usual test subjects": ", ".join(found["test_subjects"]) or "none; folds by subject",
            "recordings": f"{found['recordings']} of {samples['least']} to {samples['most']}"
            f" samples, median {samples['median']} ({samples['median'] / rate_hz:.1f} s)",
            "window": f"{window['length']} samples{whole}",
            "licence": found["licence"],
            "citation": found["citation"],
        }
    )
    modalities = Table("modality", "channels", "unit", "rate", "device")
    for modality in found["modalities"]:
        names = modality["channels"]
        channels = ", ".join(names) if len(names) < 10 else f"{len(names)}: {names[0]}, …"
        modalities.add_row(
            modality["name"],
            channels,
            modality["unit"],
            f"{modality['rate_hz']:g} Hz",
            modality["device"],
        )
    classes = Table("class", "recordings", "minutes", "windows", "subjects")
    for label, figures in found["classes"].items():
        classes.add_row(label, *(f"{value:,}" for value in figures.values()))
    return Group(head, modalities, classes, repaired)
