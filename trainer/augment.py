"""Training windows drawn anew for every epoch: what differs between wearers and days.

A watch is strapped on a little turned, a movement is faster or slower, a window begins anywhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midfuse.card import Window
from trainer.datasets import Recording
from trainer.windows import Windows


@dataclass(frozen=True)
class Strength:
    """How far a draw strays: `turn` in radians, `pace` and `gain` as log-ratios, all one sigma."""

    turn: float = 0.2
    pace: float = 0.15
    gain: float = 0.05
    noise: float = 0.03


class Drawer:
    """Draws as many windows from the training recordings as cutting them would give."""

    def __init__(self, recordings: list[Recording], window: Window, strength: Strength) -> None:
        self.window = window
        self.strength = strength
        usable = [r for r in recordings if _samples(r) >= window.length]
        self.signals = {
            name: np.concatenate([r.signals[name] for r in usable]) for name in usable[0].signals
        }
        self.noise = {
            name: (strength.noise * values.std(0)).astype(np.float32)
            for name, values in self.signals.items()
        }
        lengths = np.array([_samples(r) for r in usable])
        counts = (lengths - window.length) // window.hop + 1
        self.lengths = np.repeat(lengths, counts)
        self.firsts = np.repeat(np.cumsum(lengths) - lengths, counts)
        self.labels = np.repeat([r.label for r in usable], counts).astype(np.int64)
        self.subjects = np.repeat([r.subject for r in usable], counts).astype(np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, rng: np.random.Generator) -> Windows:
        """One epoch's windows, in the sensors' units."""
        count, s = len(self), self.strength
        pace = np.exp(np.clip(rng.normal(0, s.pace, count), -0.4, 0.4))
        span = np.minimum(pace * (self.window.length - 1), self.lengths - 1.0)
        begin = self.firsts + rng.uniform(0, 1, count) * (self.lengths - 1 - span)
        at = begin[:, None] + span[:, None] * np.linspace(0, 1, self.window.length)
        low = np.floor(at).astype(np.int64)
        high = np.minimum(low + 1, (self.firsts + self.lengths - 1)[:, None])
        part = (at - low)[..., None].astype(np.float32)
        turn = _rotations(rng, count, s.turn)
        inputs = {}
        for name, signal in self.signals.items():
            x = signal[low] + (signal[high] - signal[low]) * part
            if x.shape[2] == 3:
                x = x @ turn
            x = x * np.exp(rng.normal(0, s.gain, (count, 1, 1))).astype(np.float32)
            x += rng.standard_normal(x.shape, np.float32) * self.noise[name]
            inputs[name] = x
        return Windows(inputs, self.labels, self.subjects)


def _samples(recording: Recording) -> int:
    return len(next(iter(recording.signals.values())))


def _rotations(rng: np.random.Generator, count: int, sigma: float) -> npt.NDArray[np.float32]:
    """Random rotations (count, 3, 3) by Rodrigues' formula: any axis, angle of spread `sigma`."""
    axis = rng.normal(size=(count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = rng.normal(0, sigma, (count, 1, 1))
    k = np.zeros((count, 3, 3))
    k[:, 0, 1], k[:, 0, 2], k[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    k -= k.transpose(0, 2, 1)
    return (np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)).astype(np.float32)
