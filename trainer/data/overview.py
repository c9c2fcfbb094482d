"""What is in a data set: figures, and a picture of one stretch of each class."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from midfuse.core.errors import InputError
from midfuse.core.files import write_whole
from midfuse.core.results import ClassContent, DataResult, SampleCounts
from trainer.data.datasets import DataSet, Recording
from trainer.data.datasets.clock import runs
from trainer.data.protocols import USUAL, splits
from trainer.data.windows import labels_of


def describe(dataset: DataSet, picture: Path) -> DataResult:
    """Figures of a data set; `picture` is where it is drawn. Times are of the common clock."""
    rate_hz = dataset.modalities[0].rate_hz
    lengths = [len(recording) for recording in dataset.recordings]
    windows = np.concatenate([labels_of(r, dataset.window) for r in dataset.recordings])
    classes = {}
    for code, label in enumerate(dataset.labels):
        mine = [r for r in dataset.recordings if code in r.labels]
        samples = sum(int((r.labels == code).sum()) for r in mine)
        classes[label] = ClassContent(
            recordings=len(mine),
            minutes=round(samples / rate_hz / 60, 2),
            windows=int((windows == code).sum()),
            subjects=len({r.subject for r in mine}),
        )
    return DataResult(
        dataset=dataset.name,
        title=dataset.about.title,
        licence=dataset.about.licence,
        citation=dataset.about.citation,
        download=dataset.about.download,
        subjects=dataset.subjects,
        test_subjects=dataset.test_subjects,
        splits=_usual_splits(dataset),
        window=dataset.window,
        modalities=dataset.modalities,
        classes=classes,
        recordings=len(lengths),
        samples=SampleCounts(least=min(lengths), median=int(np.median(lengths)), most=max(lengths)),
        repairs=dict(dataset.repairs),
        picture=str(picture),
    )


def _usual_splits(dataset: DataSet) -> int:
    """How many splits the usual protocol has; 0 where the subjects are too few for one."""
    try:
        return len(splits(dataset, USUAL))
    except InputError:
        return 0


def draw(dataset: DataSet, path: Path) -> None:
    """Write a PNG with a row a class and a column a modality: a stretch of the class's.

    Raises:
        InputError: `path` cannot be written.
    """
    shown = [(label, _middle(dataset, code)) for code, label in enumerate(dataset.labels)]
    rows = [(label, recording) for label, recording in shown if recording is not None]
    columns = dataset.modalities
    figure = Figure(figsize=(1 + 4 * len(columns), 0.6 + 1.3 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for line, (label, recording) in zip(axes, rows, strict=True):
        for modality, plot in zip(columns, line, strict=True):
            signal = recording.signals[modality.name]
            seconds = np.arange(len(signal)) / modality.rate_hz
            plot.plot(seconds, signal, linewidth=0.7, alpha=1 if signal.shape[1] < 10 else 0.4)
            plot.tick_params(labelsize=7)
            plot.margins(x=0)
        line[0].set_ylabel(label, fontsize=8, rotation=0, ha="right", va="center")
    for modality, top, bottom in zip(columns, axes[0], axes[-1], strict=True):
        top.set_title(f"{modality.name} ({modality.unit})", fontsize=9)
        if len(modality.channels) < 10:
            top.legend(modality.channels, fontsize=6, ncols=3, loc="upper right")
        bottom.set_xlabel("s", fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    write_whole(path, content.getvalue())


def _middle(dataset: DataSet, code: int) -> Recording | None:
    """The stretch of a class that is neither long nor short, as a recording of its own."""
    stretches = [
        (recording, start, stop)
        for recording in dataset.recordings
        for label, start, stop in runs(recording.labels)
        if label == code
    ]
    if not stretches:
        return None
    stretches.sort(key=lambda found: found[2] - found[1])
    recording, start, stop = stretches[len(stretches) // 2]
    signals = {name: x[start:stop] for name, x in recording.signals.items()}
    return Recording.of_one(code, signals, recording.subject)
