"""Time and memory of a conversion with every check, beside bare onnx2tf. `make bench-convert`.

Two models, with weights that nobody trained: the student of the demo, from its checkpoint, and a
transformer with LayerNorm, from its `.onnx`. `midfuse convert` with all checks over 100 windows
and `onnx2tf -oiqt`, calibrated with the same 100 windows, run alternately, REPEATS times each.
Limits: the median of the ratios of their times at most 1.4, and the memory of `midfuse convert`
with all its processes under 3 GB at its highest. Memory is resident pages out of /proc, every 20
ms, summed over the processes: what two of them share counts twice. Exit code 1 where a limit does
not hold.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.converter.conftest import random_student, sensor_windows
from tests.converter.strangers import STRANGERS, FloatArray, export_stranger, stranger_windows

REPEATS = 5
WINDOWS = 100
MAX_RATIO = 1.4
MAX_BYTES = 3e9
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Run:
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Model:
    """What `midfuse convert` is given, the `.onnx` for onnx2tf, and the windows for both."""

    name: str
    given: Path
    onnx: Path
    arrays: dict[str, FloatArray]


def main() -> int:
    held = True
    with tempfile.TemporaryDirectory() as work:
        for model in _models(Path(work)):
            ours, bare = [], []
            for _ in range(REPEATS):
                ours.append(_convert(model, Path(work)))
                bare.append(_onnx2tf(model, Path(work)))
            ratio = statistics.median(
                a.seconds / b.seconds for a, b in zip(ours, bare, strict=True)
            )
            peak = max(run.bytes for run in ours)
            held &= ratio <= MAX_RATIO and peak < MAX_BYTES
            print(
                f"{model.name}: midfuse convert {_median(ours):.1f} s, {peak / 1e9:.2f} GB;"
                f" onnx2tf -oiqt {_median(bare):.1f} s, {max(r.bytes for r in bare) / 1e9:.2f} GB;"
                f" ratio {ratio:.2f} (at most {MAX_RATIO}; {REPEATS} runs each)",
                flush=True,
            )
    print("both limits hold" if held else "a limit does not hold")
    return 0 if held else 1


def _median(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def _models(work: Path) -> list[Model]:
    student = random_student(work)
    model = Model("student", student, work / "out" / "student.onnx", sensor_windows(WINDOWS, 1))
    _convert(model, work)  # writes the .onnx, and warms the disk's cache up
    onnx = work / "student.onnx"
    (work / "out" / "student.onnx").rename(onnx)
    name = "transformer"
    exported = export_stranger(name, work)
    arrays = stranger_windows(STRANGERS[name], WINDOWS, seed=1)
    return [
        Model("student", student, onnx, model.arrays),
        Model("LayerNorm transformer", exported, exported, arrays),
    ]


def _convert(model: Model, work: Path) -> Run:
    np.savez(work / "calibration.npz", **model.arrays)
    command = [sys.executable, "-m", "midfuse", "convert", str(model.given)]
    command += ["--calibration", str(work / "calibration.npz"), "--out", str(work / "out")]
    # Random weights may miss the limits on accuracy; the time is the same.
    return _measure(command, work, allowed=(0, 1))


def _onnx2tf(model: Model, work: Path) -> Run:
    command = [sys.executable, "-c", "from onnx2tf.onnx2tf import main; main()"]
    command += ["-i", str(model.onnx), "-o", str(work / "bare"), "-oiqt", "-kat", *model.arrays]
    for name, values in model.arrays.items():
        np.save(work / f"{name}.npy", values)
        command += ["-cind", name, str(work / f"{name}.npy"), "[0.0]", "[1.0]"]
    run = _measure(command, work, allowed=(0,))
    if not list((work / "bare").glob("*_full_integer_quant.tflite")):
        raise SystemExit(f"onnx2tf made no int8 model; see {work / 'log'}")
    return run


def _measure(command: list[str], work: Path, allowed: tuple[int, ...]) -> Run:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    peak = 0
    with (work / "log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"PATH": path}, cwd=work
        )
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - started
    if process.returncode not in allowed:
        tail = (work / "log").read_text(errors="replace")[-1000:]
        raise SystemExit(f"{' '.join(command[:6])} … ended with {process.returncode}:\n{tail}")
    return Run(seconds, peak)


def _resident(process: int) -> int:
    """Bytes of a process and of all that it started, and they."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        threads = list(Path(f"/proc/{process}/task").iterdir())
        children = {int(c) for t in threads for c in (t / "children").read_text().split()}
    except (OSError, IndexError):  # it has just ended
        return 0
    return pages * _PAGE + sum(map(_resident, children))


if __name__ == "__main__":
    sys.exit(main())
