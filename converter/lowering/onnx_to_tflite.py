"""ONNX to float TFLite: onnx2tf in a process of its own, its noise in a log file.

onnx2tf imports tensorflow, prints hundreds of lines and calls programs that pip installed beside
it; apart from the conversion itself none of that is this process's business.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from midfuse.errors import DeviceError, InputError

_SECONDS = 600
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def onnx_to_tflite(onnx: Path, inputs: list[str], folder: Path, where: str) -> bytes:
    """Convert `onnx` and return the float `.tflite`; `folder` gets onnx2tf's files and its log.

    Every input keeps the layout it has in ONNX (`-kat`): without it onnx2tf turns (1, T, C)
    into (1, C, T) without a word.

    Raises:
        InputError: onnx2tf cannot convert the model; the line holds what it said last.
        DeviceError: onnx2tf did not end.
    """
    log = folder / "onnx2tf.log"
    # For an input that looks like a colour image onnx2tf downloads pictures to compare layers on,
    # unless they are there already.
    pictures = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    np.save(folder / "calibration_image_sample_data_20x128x128x3_float32.npy", pictures)
    environment = os.environ | {
        # onnx2tf calls onnxsim by name; without it some models fail with an unrelated message.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [sys.executable, "-c", "from onnx2tf.onnx2tf import main; main()"]
    command += ["-i", str(onnx), "-o", str(folder), "-kat", *inputs]
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DeviceError(
                f"{where}: onnx2tf did not end within {_SECONDS} s", "try a smaller model"
            ) from None
    result = folder / f"{onnx.stem}_float32.tflite"
    if done.returncode != 0 or not result.is_file():
        raise InputError(
            f"{where}: onnx2tf cannot convert it ({_reason(log)})", "change the op that it names"
        )
    return result.read_bytes()


def _reason(log: Path) -> str:
    """The op that onnx2tf stumbled over and its last exception, out of a long log."""
    text = _COLOUR.sub("", log.read_text(errors="replace"))
    # onnx2tf puts `wa` in front of names that begin with a slash.
    ops = re.findall(r"^ERROR: onnx_op_name: (?:wa(?=/))?(.*)$", text, re.MULTILINE)
    exceptions = re.findall(r"^[\w.]*(?:Error|Exception)\b.*$", text, re.MULTILINE)
    at = f"at {ops[-1]}: " if ops else ""
    lines = exceptions or text.split("\n") if text.strip() else ["it said nothing"]
    said = next(line for line in reversed(lines) if line.strip())
    return at + said.strip()[:200]
