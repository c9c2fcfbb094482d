"""Random graphs of ops that move values: what the passes leave of the copies gives TFLM's bytes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midfuse.core.tflite_file import parse_tflite
from tests.support.host_build import random_windows, run_compiled, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases.strategies import Draw
from tests.support.tflite_builder import TFLiteBuilder, schema

SCALE = 0.5
Shaped = tuple[int, tuple[int, ...]]


class _Graph:
    """A model that grows: every op reads tensors made before it, all of one type and scale."""

    def __init__(self, draw: Draw) -> None:
        self.b, self.draw = TFLiteBuilder(), draw
        self.dtype = draw(st.sampled_from(["int8", "int8", "int16", "float32"]))
        self.scale = None if self.dtype == "float32" else SCALE
        self.tensors: list[Shaped] = []
        for _ in range(draw(st.integers(1, 2))):
            shape = (2, draw(st.integers(1, 3)), 4)
            self.tensors.append((self.b.input(shape, self.scale, 0, dtype=self.dtype), shape))

    def pick(self) -> Shaped:
        found: Shaped = self.draw(st.sampled_from(self.tensors))
        return found

    def made(self, shape: tuple[int, ...]) -> int:
        self.tensors.append((self.b.tensor(shape, self.scale, 0, dtype=self.dtype), shape))
        return self.tensors[-1][0]

    def transpose(self) -> None:
        x, shape = self.pick()
        order = self.draw(st.permutations(range(len(shape))))
        out = self.made(tuple(shape[axis] for axis in order))
        self.b.op("TRANSPOSE", [x, self.b.numbers(list(order))], out)

    def reshape(self) -> None:
        x, shape = self.pick()
        n = int(np.prod(shape))
        rows = self.draw(st.sampled_from([m for m in range(1, n + 1) if n % m == 0]))
        new = (rows, n // rows)
        self.b.op("RESHAPE", [x, self.b.numbers(list(new))], self.made(new))

    def slice_(self) -> None:
        x, shape = self.pick()
        begin = [self.draw(st.integers(0, n - 1)) for n in shape]
        size = [self.draw(st.integers(1, n - m)) for n, m in zip(shape, begin, strict=True)]
        out = self.made(tuple(size))
        self.b.op("SLICE", [x, self.b.numbers(begin), self.b.numbers(size)], out)

    def pad(self) -> None:
        x, shape = self.pick()
        margins = np.array([[self.draw(st.integers(0, 1)) for _ in "ab"] for _ in shape], np.int32)
        table = self.b.tensor(margins.shape, dtype="int32", data=margins)
        out = self.made(tuple(n + int(m.sum()) for n, m in zip(shape, margins, strict=True)))
        self.b.op("PAD", [x, table], out)

    def concatenation(self) -> None:
        _, shape = self.pick()
        axis = self.draw(st.integers(0, len(shape) - 1))
        rest = (*shape[:axis], 0, *shape[axis + 1 :])
        fitting = [
            (index, other)
            for index, other in self.tensors
            if len(other) == len(shape) and (*other[:axis], 0, *other[axis + 1 :]) == rest
        ]
        parts = self.draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=3))
        total = sum(other[axis] for _, other in parts)
        out = self.made((*shape[:axis], total, *shape[axis + 1 :]))
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        self.b.op("CONCATENATION", [index for index, _ in parts], out, options)

    def split(self) -> None:
        x, shape = self.pick()
        axis = self.draw(st.integers(0, len(shape) - 1))
        first = self.draw(st.integers(0, shape[axis]))
        sizes = [n for n in (first, shape[axis] - first) if n > 0]
        outs = [self.made((*shape[:axis], n, *shape[axis + 1 :])) for n in sizes]
        options = schema.SplitVOptionsT()
        options.numSplits = len(sizes)
        b = self.b
        b.op("SPLIT_V", [x, b.numbers(sizes), b.numbers([axis])], outs, options)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data(), observable=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_random_graphs_have_tflm_s_bytes(data: st.DataObject, observable: bool, seed: int) -> None:
    graph = _Graph(data.draw)
    grow = [graph.transpose, graph.reshape, graph.slice_, graph.pad, graph.concatenation,
            graph.split]  # fmt: skip
    for _ in range(data.draw(st.integers(2, 9))):
        data.draw(st.sampled_from(grow))()
    model = parse_tflite(graph.b.content(), Path("moves.tflite"))
    windows = random_windows(model, 2, np.random.default_rng(seed))
    with TemporaryDirectory() as folder:
        ours = run_compiled(model, windows, Path(folder), observable=observable)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=observable))
