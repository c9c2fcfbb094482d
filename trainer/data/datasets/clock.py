"""Time: from the stamps that a device wrote to steady clocks, and several sensors onto one.

A sensor samples steadily. Its stamps do not show it: samples wait and arrive in bursts, so that
stamps stand still and then jump, and a device's second may be a few per cent off.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from midfuse.core.errors import InputError

Floats = npt.NDArray[np.float64]

# Seconds. A burst is late by 0.19 at most in the recordings that we know; what is later is lost.
LONGEST_WAIT = 0.25
# Over which the arrival of samples is averaged.
_CALM = 2.0
# Shorter stretches between gaps are left out: their rate cannot be told from their bursts.
SHORTEST = 0.5
_MOST_DRIFT = 0.2

REPEATED = "time stamps that repeat, spread"
BACKWARDS = "time stamps that jump back, put in order"
LATE = "time stamps over 20 ms off a steady clock, moved"
DRIFTING = "stretches whose clock is over 1 % off the nominal rate"
SPLIT = f"gaps over {LONGEST_WAIT} s in time, recording split there"
TOO_SHORT = f"stretches under {SHORTEST} s between gaps, left out"


@dataclass(frozen=True)
class Stretch:
    """Samples `start` to `stop` of a file without a gap, and when each was taken (s)."""

    start: int
    stop: int
    times: Floats


@dataclass(frozen=True)
class Track:
    """All that one sensor recorded: values (samples, C), and the stretches that count."""

    values: Floats
    stretches: list[Stretch]


def stretches(
    stamps: Floats, rate_hz: float, where: str, rows: Sequence[int], repairs: Counter[str]
) -> list[Stretch]:
    """Steady clocks for time stamps (s), one for each stretch between gaps.

    `rows` says where in the file each stamp is, for messages.

    Raises:
        InputError: stamps that jump back by more than a wait, or a rate far off `rate_hz`.
    """
    steps = np.diff(stamps)
    if len(steps) and steps.min() < -LONGEST_WAIT:
        row = int(np.argmax(steps < -LONGEST_WAIT)) + 1
        raise InputError(
            f"{where}: row {rows[row]}: the time stamp jumps back by {-steps[row - 1]:.3g} s",
            "cut the file there",
        )
    gaps = np.flatnonzero(steps > LONGEST_WAIT) + 1
    repairs[SPLIT] += len(gaps)
    repairs[BACKWARDS] += int((steps < 0).sum())
    repairs[REPEATED] += int((steps == 0).sum())
    found = []
    for start, stop in zip([0, *gaps], [*gaps, len(stamps)], strict=True):
        piece = stamps[start:stop]
        if stop - start < SHORTEST * rate_hz:
            repairs[TOO_SHORT] += 1
            continue
        rate = (len(piece) - 1) / max(piece[-1] - piece[0], 1e-9)
        if abs(rate / rate_hz - 1) > _MOST_DRIFT:
            raise InputError(
                f"{where}: row {rows[start]}: {rate:.4g} samples a second from here to row"
                f" {rows[stop - 1]}, not about {rate_hz:g}",
                "correct the time stamps or the rate",
            )
        times = steady(piece, rate)
        if (np.diff(times) <= 0).any():
            row = rows[start + int(np.argmin(np.diff(times)))]
            raise InputError(f"{where}: row {row}: time stamps run backwards", "cut the file there")
        repairs[LATE] += int((np.abs(piece - times) > 0.02).sum())
        repairs[DRIFTING] += int(abs(rate / rate_hz - 1) > 0.01)
        found.append(Stretch(int(start), int(stop), times))
    return found


def steady(stamps: Floats, rate_hz: float) -> Floats:
    """When the samples were taken: a line of `rate_hz`, and how far stamps are off it on average.

    The average over two seconds follows a clock that wanders, and hardly a burst.
    """
    line = np.arange(len(stamps)) / rate_hz
    width = max(1, min(len(stamps), round(_CALM * rate_hz)))
    taken: Floats = line + uniform_filter1d(stamps - line, width, mode="nearest")
    return taken


def grid(first: float, last: float, rate_hz: float) -> Floats:
    """The instants k / rate_hz from `first` to `last`, both included where they are instants."""
    low, high = np.ceil(first * rate_hz - 1e-6), np.floor(last * rate_hz + 1e-6)
    instants: Floats = np.arange(low, high + 1) / rate_hz
    return instants


def overlaps(tracks: Sequence[Track], rate_hz: float) -> Iterator[tuple[Floats, list[Stretch]]]:
    """Where all sensors recorded at once: the instants of a common grid, and a stretch of each."""
    shared = [([piece], piece.times[0], piece.times[-1]) for piece in tracks[0].stretches]
    for track in tracks[1:]:
        shared = [
            ([*chosen, piece], max(first, piece.times[0]), min(last, piece.times[-1]))
            for chosen, first, last in shared
            for piece in track.stretches
            if piece.times[0] <= last and piece.times[-1] >= first
        ]
    for chosen, first, last in shared:
        at = grid(first, last, rate_hz)
        if len(at):
            yield at, chosen


def resampled(times: Floats, values: Floats, at: Floats) -> npt.NDArray[np.float32]:
    """Values (samples, C) of rising `times` on a line between neighbours at the instants `at`.

    Where several samples fall on one instant, each is first averaged with so many neighbours, so
    that what is too fast for the new rate does not come back as something slow.
    """
    if len(at) > 1 and len(times) > 1:
        ratio = round((at[-1] - at[0]) / (len(at) - 1) * (len(times) - 1) / (times[-1] - times[0]))
        if ratio > 1:
            values = uniform_filter1d(values, ratio, axis=0, mode="nearest")
    columns = [np.interp(at, times, column) for column in values.T]
    return np.stack(columns, 1).astype(np.float32)


def nearest(times: Floats, at: Floats) -> npt.NDArray[np.int64]:
    """Which of the rising `times` is nearest to each instant."""
    return np.searchsorted((times[1:] + times[:-1]) / 2, at).astype(np.int64)


def runs(codes: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(code, start, stop) of every run of one code; negative codes are left out."""
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
    return [(int(codes[a]), int(a), int(b)) for a, b in pairwise(edges) if b > a and codes[a] >= 0]
