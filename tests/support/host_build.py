"""Builds a model's C for the host under address and undefined-behaviour sanitizers; runs it."""

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler import RUNTIME, compile_model
from firmware_tools.compiler.passes import PASSES, Pass
from midfuse.core.oracle import Oracle
from midfuse.core.tflite_file import Tensor, TFLiteModel

Window = list[npt.NDArray[Any]]

_SPECIAL_FLOATS = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3.4e38, -3.4e38, 2.0**31, -(2.0**31), 2.0**30],
    np.float32,
)
_FLAGS = [
    "-std=c99", "-g", "-Wall", "-Wextra", "-Wconversion", "-Werror",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{RUNTIME}",
]  # fmt: skip


@cache
def _runtime() -> Path:
    """All kernels and the harness as one library, compiled once a test run."""
    folder = Path(mkdtemp(prefix="midfuse-kernels-"))
    sources = [*sorted(RUNTIME.glob("*.c")), Path(__file__).with_name("harness.c")]
    command = ["gcc", *_FLAGS, "-O1", "-c", *(str(path) for path in sources)]
    subprocess.run(command, check=True, cwd=folder)
    library = folder / "libruntime.a"
    objects = sorted(str(path) for path in folder.glob("*.o"))
    subprocess.run(["ar", "rcs", str(library), *objects], check=True)
    return library


def run_compiled(
    model: TFLiteModel,
    windows: list[Window],
    out: Path,
    *,
    observable: bool,
    passes: Sequence[Pass] = PASSES,
) -> npt.NDArray[np.int8]:
    """The compiled model's bytes: for every window its outputs, then its observable tensors."""
    compile_model(model, out, observable=observable, passes=passes)
    program = out / "program"
    command = ["gcc", *_FLAGS, "-O0", str(out / "model.c"), str(_runtime()), "-o", str(program)]
    subprocess.run(command, check=True)
    stream = b"".join(values.tobytes() for window in windows for values in window)
    answer = subprocess.run([str(program)], input=stream, stdout=subprocess.PIPE, check=True)
    return np.frombuffer(answer.stdout, np.int8)


def run_oracle(
    model: TFLiteModel, windows: list[Window], *, observable: bool
) -> npt.NDArray[np.int8]:
    """TFLM's bytes in the same order."""
    oracle = Oracle(model, observable=observable)
    parts = []
    for window in windows:
        parts += [output.tobytes() for output in oracle.run(window)]
        if observable:
            parts += [oracle.tensor(i).tobytes() for op in model.ops for i in op.outputs]
    return np.frombuffer(b"".join(parts), np.int8)


def random_windows(model: TFLiteModel, count: int, rng: np.random.Generator) -> list[Window]:
    """Uniform random codes for every input of every window; floats of all kinds."""
    tensors = [model.tensors[index] for index in model.inputs]
    return [[_random_values(tensor, rng) for tensor in tensors] for _ in range(count)]


def _random_values(tensor: Tensor, rng: np.random.Generator) -> npt.NDArray[Any]:
    if tensor.dtype != "float32":
        return np.frombuffer(rng.bytes(tensor.bytes), tensor.dtype)
    steps = rng.integers(-600, 600, tensor.elements) / rng.choice([1, 2, 8, 7], tensor.elements)
    values = (steps * 2.0 ** rng.integers(-12, 3)).astype(np.float32)
    special = rng.random(tensor.elements) < 0.1
    values[special] = rng.choice(_SPECIAL_FLOATS, int(special.sum()))
    return values


def extreme_windows(model: TFLiteModel) -> list[Window]:
    """A window of every input's lowest values and one of its highest."""
    tensors = [model.tensors[index] for index in model.inputs]
    limits = [np.finfo(t.dtype) if t.dtype == "float32" else np.iinfo(t.dtype) for t in tensors]
    return [
        [np.full(t.shape, limit.min, t.dtype) for t, limit in zip(tensors, limits, strict=True)],
        [np.full(t.shape, limit.max, t.dtype) for t, limit in zip(tensors, limits, strict=True)],
    ]
