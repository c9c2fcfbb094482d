"""Training windows drawn anew at every step: what differs between wearers and days.

A sensor is strapped on a little turned, a movement is faster or slower, evenly or not, a window
begins anywhere, a sensor fails. Its label is the most frequent of the samples it was drawn from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midfuse.core.card import Modality, Window
from trainer.data.datasets import Recording
from trainer.data.rotations import rotations
from trainer.data.windows import Standardiser, Windows, count, labelled, most_frequent, sampled


@dataclass(frozen=True)
class Strength:
    """How far a draw strays.

    `turn` in radians, `pace` and `gain` as log-ratios, `warp` as a share of the pace, `noise` in
    standard deviations of a channel: one sigma each. `dropout` is the probability that a modality
    is missing from a window; one always stays.
    """

    turn: float = 0.3
    pace: float = 0.15
    warp: float = 0.1
    gain: float = 0.05
    noise: float = 0.03
    dropout: float = 0.0


class Drawer:
    """Draws windows from the training recordings: as many as cutting them would give."""

    def __init__(
        self,
        recordings: list[Recording],
        modalities: list[Modality],
        window: Window,
        standardise: Standardiser,
        strength: Strength,
    ) -> None:
        self._modalities = modalities
        self._window = window
        self._standardise = standardise
        self._strength = strength
        usable = [r for r in recordings if count([r], window)]
        self._signals = {
            m.name: np.concatenate([r.signals[m.name] for r in usable]) for m in modalities
        }
        lengths = np.array([len(r) for r in usable])
        spans = lengths if window.whole else np.full_like(lengths, window.length)
        counts = [count([r], window) for r in usable]
        self._lengths = np.repeat(lengths, counts)
        self._spans = np.repeat(spans, counts)
        self._firsts = np.repeat(np.cumsum(lengths) - lengths, counts)
        self.labels = np.concatenate([r.labels for r in usable])
        self.subjects = np.repeat([r.subject for r in usable], counts)

    def __len__(self) -> int:
        return len(self.subjects)

    def draw(self, chosen: npt.NDArray[np.int64], rng: np.random.Generator) -> Windows:
        """One standardised window from the recording of each chosen one (indices below `len`)."""
        drawn, s = len(chosen), self._strength
        at = self._times(chosen, rng)
        housings = {m.housing for m in self._modalities}
        turns = {housing: _rotations(rng, drawn, s.turn) for housing in sorted(housings)}
        inputs = {}
        for modality in self._modalities:
            x = sampled(self._signals[modality.name], at)
            if modality.turns:
                turn = turns[modality.housing]
                x = (x.reshape(drawn, -1, 3) @ turn).reshape(x.shape)
            x *= np.exp(rng.normal(0, s.gain, (drawn, 1, 1))).astype(np.float32)
            inputs[modality.name] = x
        inputs = self._standardise(inputs)
        there = self._there(drawn, rng)
        for x, kept in zip(inputs.values(), there, strict=True):
            x += np.float32(s.noise) * rng.standard_normal(x.shape, np.float32)
            x[~kept] = 0.0
        labels = most_frequent(labelled(self.labels, at))
        return Windows(inputs, labels, self.subjects[chosen])

    def _times(
        self, chosen: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """When each sample is taken (chosen, length), as a place among all samples.

        A pace, a beginning, and a warp u + a sin(pi k u) / (pi k) of the time u within the window,
        k from 1 to 3: monotone while the `a` add up to less than 1.
        """
        drawn, s = len(chosen), self._strength
        firsts, lengths = self._firsts[chosen], self._lengths[chosen] - 1.0
        pace = np.exp(np.clip(rng.normal(0, s.pace, drawn), -0.4, 0.4))
        span = np.minimum(pace * (self._spans[chosen] - 1), lengths)
        begin = firsts + rng.uniform(0, 1, drawn) * (lengths - span)
        u = np.linspace(0, 1, self._window.length)
        turns = np.pi * np.arange(1, 4)
        size = np.clip(rng.normal(0, s.warp, (drawn, 3)), -0.3, 0.3) / turns
        u = np.clip(u + size @ np.sin(np.outer(turns, u)), 0, 1)
        # No rounding may reach into the next recording.
        return np.minimum(begin[:, None] + span[:, None] * u, (firsts + lengths)[:, None])

    def _there(self, count: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        """Which modalities (modalities, count) a window has."""
        luck = rng.uniform(size=(len(self._modalities), count))
        return (luck >= self._strength.dropout) | (luck == luck.max(0))


def _rotations(rng: np.random.Generator, count: int, sigma: float) -> npt.NDArray[np.float32]:
    """Random rotations (count, 3, 3): any axis, angle of spread `sigma`."""
    axis = rng.normal(size=(count, 3))
    return rotations(axis, rng.normal(0, sigma, count))
