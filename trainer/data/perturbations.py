"""Recordings as a worn device might give them: noisy, turned, with gaps, in part, or out of step.

Whole recordings are perturbed, in their sensors' units and before they are cut: a sample that did
not come is missing from every window it would have been in, and a late sensor still shows what
came before a window. Labels and the number of windows stay.

noise: white, of a standard deviation in those of a channel.
rotation: a device strapped on at an angle about any axis, the same all day: all its 3-axis sensors
    turn together, for each subject otherwise.
dropped: a share of a device's samples does not come, in bursts of 5 on average (the two-state
    chain of Gilbert, Bell System Technical Journal 39, 1960); the last that came is held.
missing: a sensor is silent, and the device feeds its mean.
shift: all devices but the first are late; where there is one device, all its sensors but the
    first. Before its beginning a recording holds its first sample.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from midfuse.core.card import Modality
from trainer.data.datasets import Recording
from trainer.data.rotations import rotations
from trainer.data.windows import Standardiser

BURST = 5
_STRENGTHS = {
    "noise": ("deviations", (0.1, 0.3, 1.0)),
    "rotation": ("degrees", (10, 20, 45, 90)),
    "dropped": ("%", (10, 30, 50)),
    "shift": ("s", (0.1, 0.2, 0.5)),
}

Signals = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Condition:
    """What befalls the recordings, and how badly; `strength` is the sensor's name if missing."""

    kind: str
    strength: float | str
    unit: str

    def __str__(self) -> str:
        return f"{self.kind} {self.strength} {self.unit}".strip() if self.strength else self.kind


UNTOUCHED = Condition("untouched", 0, "")


def conditions(modalities: list[Modality]) -> list[Condition]:
    """Untouched, then all that can befall these sensors: one alone is neither late nor missing."""
    possible = dict(_STRENGTHS)
    if not any(modality.turns for modality in modalities):
        del possible["rotation"]
    if len(modalities) == 1:
        del possible["shift"]
    found = [
        Condition(kind, strength, unit)
        for kind, (unit, strengths) in possible.items()
        for strength in strengths
    ]
    names = [modality.name for modality in modalities] if len(modalities) > 1 else []
    return [UNTOUCHED, *found, *(Condition("missing", name, "") for name in names)]


def perturbed(
    recordings: list[Recording],
    condition: Condition,
    modalities: list[Modality],
    standardise: Standardiser,
    seed: int,
) -> list[Recording]:
    """The recordings when the condition befalls these of their sensors.

    Every draw is a function of seed and kind: the strengths of a kind share noise and axes.
    """
    kind, strength = condition.kind, condition.strength
    rng = np.random.default_rng([seed, *kind.encode()])
    change: Callable[[Recording], Signals]
    if kind == "untouched":
        return recordings
    if kind == "missing":
        change = _silenced(str(strength), standardise)
    elif kind == "noise":
        change = _noisy(float(strength), [m.name for m in modalities], standardise, rng)
    elif kind == "rotation":
        subjects = list(dict.fromkeys(recording.subject for recording in recordings))
        change = _turned(np.deg2rad(float(strength)), modalities, subjects, rng)
    elif kind == "dropped":
        change = _held(float(strength) / 100, modalities, rng)
    else:
        change = _late(float(strength), modalities)
    return [replace(r, signals=r.signals | change(r)) for r in recordings]


def _noisy(
    sigma: float, names: list[str], standardise: Standardiser, rng: np.random.Generator
) -> Callable[[Recording], Signals]:
    def change(recording: Recording) -> Signals:
        noisy = {}
        for name in names:
            noise = rng.standard_normal(recording.signals[name].shape, np.float32)
            noisy[name] = (
                recording.signals[name] + np.float32(sigma) * standardise.std[name] * noise
            )
        return noisy

    return change


def _turned(
    angle: float, modalities: list[Modality], subjects: list[str], rng: np.random.Generator
) -> Callable[[Recording], Signals]:
    worn = list(product(subjects, dict.fromkeys(m.housing for m in modalities)))
    turns = rotations(rng.normal(size=(len(worn), 3)), np.full(len(worn), angle))
    turn_of = dict(zip(worn, turns, strict=True))

    def change(recording: Recording) -> Signals:
        turned = {}
        for modality in (m for m in modalities if m.turns):
            x = recording.signals[modality.name]
            turn = turn_of[recording.subject, modality.housing]
            turned[modality.name] = (x.reshape(-1, 3) @ turn).reshape(x.shape)
        return turned

    return change


def _held(
    share: float, modalities: list[Modality], rng: np.random.Generator
) -> Callable[[Recording], Signals]:
    between = BURST * (1 - share) / share

    def last_came(samples: int) -> npt.NDArray[np.int64]:
        """Which sample is there at each instant; the first one always came."""
        spans = np.stack(
            [rng.geometric(1 / between, samples), rng.geometric(1 / BURST, samples)], 1
        )
        came = np.tile([True, False], samples).repeat(spans.ravel())[:samples]
        return np.maximum.accumulate(np.where(came, np.arange(samples), 0))

    def change(recording: Recording) -> Signals:
        devices = dict.fromkeys(m.housing for m in modalities)
        there = {device: last_came(len(recording)) for device in devices}
        return {m.name: recording.signals[m.name][there[m.housing]] for m in modalities}

    return change


def _late(seconds: float, modalities: list[Modality]) -> Callable[[Recording], Signals]:
    several = len({modality.housing for modality in modalities}) > 1

    def clock(modality: Modality) -> str:
        return modality.housing if several else modality.name

    on_time = clock(modalities[0])

    def change(recording: Recording) -> Signals:
        late = {}
        for modality in modalities:
            if clock(modality) != on_time:
                at = np.arange(len(recording)) - round(seconds * modality.rate_hz)
                late[modality.name] = recording.signals[modality.name][np.maximum(at, 0)]
        return late

    return change


def _silenced(name: str, standardise: Standardiser) -> Callable[[Recording], Signals]:
    def change(recording: Recording) -> Signals:
        mean = np.broadcast_to(standardise.mean[name], recording.signals[name].shape)
        return {name: mean}

    return change
