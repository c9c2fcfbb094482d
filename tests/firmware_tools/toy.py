"""toy_model.c in Python: what the board has to answer."""

from pathlib import Path

import numpy as np

from midfuse.core.results import MemoryUse

TOY_MODEL = Path(__file__).with_name("toy_model.c")
TOY_SHA256 = "01020304" + 28 * "00"
TOY_INPUT_BYTES = (6, 700)
TOY_OUTPUT_BYTES = (5,)
TOY_MEMORY = MemoryUse(
    arena_bytes=6 + 700 + 700 + 5,
    peak_bytes=6 + 700 + 700,
    peak_op=0,
    peak_op_name="ADD",
    constant_bytes=0,
    largest_bytes=0,
    largest_op=None,
    largest_op_name="",
)


def toy_sum(window: list[bytes]) -> bytes:
    """The observable tensor `sum`."""
    a, b = (np.frombuffer(values, np.uint8) for values in window)
    return (np.resize(a, b.size) + b).tobytes()


def toy_output(window: list[bytes]) -> bytes:
    total = np.frombuffer(toy_sum(window), np.uint8)
    return bytes(int(total[j::5].sum()) % 256 for j in range(5))


def toy_windows(count: int, seed: int) -> list[list[bytes]]:
    """Random windows that do not make the model spin."""
    random = np.random.default_rng(seed)
    windows = [[random.bytes(size) for size in TOY_INPUT_BYTES] for _ in range(count)]
    return [[a, b"\x7e" + b[1:]] for a, b in windows]
