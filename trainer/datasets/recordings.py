"""Your own recordings in one `.npz`, written with `numpy.savez` and read without unpickling.

modalities            text (M,)              names, in the order of the model's inputs
NAME                  number (samples, C)    all recordings one after another, a key a modality
NAME_channels         text (C,)              the channels' names
NAME_unit             text ()                their common unit
rate_hz               number ()              sampling rate of every modality
lengths               integer (recordings,)  samples of each recording
recording_labels      integer (recordings,)  index into `labels`
recording_subjects    integer (recordings,)  who was recorded
labels                text (classes,)        the activities' names
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.card import Modality, Window
from midfuse.errors import InputError
from midfuse.oracle import read_npz
from trainer.datasets import About, DataSet, Recording

# Ten days of twelve channels at 100 Hz.
_MOST_BYTES = 4 << 30

ABOUT = About("Your own recordings", "not stated", "not stated", "yours", "an .npz")


def load(path: Path | None, variant: str) -> DataSet:
    """Read and check the file.

    Raises:
        InputError: no path, no such file, not an .npz, or an array that is missing or wrong.
    """
    if path is None:
        raise InputError("--dataset recordings: no file given", "name it with --data FILE.npz")
    arrays = read_npz(path, _MOST_BYTES)

    def array(key: str, kinds: str, rank: int) -> npt.NDArray[Any]:
        found = arrays.get(key)
        if found is None or found.dtype.kind not in kinds or found.ndim != rank:
            what = "missing" if found is None else f"{found.dtype}, {found.ndim} dimensions"
            raise InputError(
                f"{path}: {key}: {what}", "see trainer/datasets/recordings.py for the layout"
            )
        return found

    def text(key: str) -> str:
        return str(array(key, "U", 0))

    names = [str(name) for name in array("modalities", "U", 1)]
    lengths = array("lengths", "iu", 1).astype(np.int64)
    classes = array("recording_labels", "iu", 1).astype(np.int64)
    subjects = array("recording_subjects", "iu", 1).astype(np.int64)
    labels = [str(label) for label in array("labels", "U", 1)]
    rate_hz = float(array("rate_hz", "iuf", 0))
    signals = {name: array(name, "iuf", 2).astype(np.float32) for name in names}
    channels = {name: [str(c) for c in array(f"{name}_channels", "U", 1)] for name in names}

    def refuse(field: str, problem: str) -> InputError:
        return InputError(f"{path}: {field}: {problem}", "correct the array")

    if not names or len(lengths) == 0:
        raise refuse("modalities" if not names else "lengths", "empty")
    if not len(lengths) == len(classes) == len(subjects):
        raise refuse(
            "recording_labels, recording_subjects", f"not as many as lengths ({len(lengths)})"
        )
    if lengths.min() < 1:
        raise refuse("lengths", "a recording without samples")
    if classes.min() < 0 or classes.max() >= len(labels):
        raise refuse("recording_labels", f"not an index into the {len(labels)} labels")
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise refuse("rate_hz", "not a positive number")
    for name, values in signals.items():
        if len(values) != lengths.sum():
            raise refuse(name, f"{len(values)} samples, but lengths add up to {lengths.sum()}")
        if values.shape[1] != len(channels[name]) or not channels[name]:
            raise refuse(f"{name}_channels", f"not a name for each of {values.shape[1]} channels")
        if not np.isfinite(values).all():
            raise refuse(name, "not finite everywhere")

    ends = np.cumsum(lengths)
    return DataSet(
        name=path.stem,
        modalities=[
            Modality(name=name, channels=channels[name], unit=text(f"{name}_unit"), rate_hz=rate_hz)
            for name in names
        ],
        recordings=[
            Recording(
                {name: values[end - length : end] for name, values in signals.items()},
                int(label),
                str(int(subject)),
            )
            for end, length, label, subject in zip(ends, lengths, classes, subjects, strict=True)
        ],
        labels=labels,
        about=ABOUT,
        window=Window(length=128, hop=64),
    )
