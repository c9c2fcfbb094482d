"""ONNX to float TFLite: onnx2tf in a process of its own, its noise in a log file.

onnx2tf imports tensorflow, prints hundreds of lines and calls programs that pip installed beside
it; apart from the conversion itself none of that is this process's business.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import numpy as np

from midfuse.core.errors import DeviceError, InputError

# The end of onnx2tf's log, where its exception stands.
_LOG_CHARACTERS = 20_000
_PROCESS = Path(__file__).with_name("onnx2tf_process.py")
_SECONDS = 600
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Onnx2tf:
    """One conversion. The process starts at once, since its imports are most of its time, and is
    handed the model when that is ready; it ends with the `with` block, or with this process.

    `folder` gets onnx2tf's files and its log, `onnx2tf.log`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "onnx2tf.log"
        # For an input that looks like a colour image onnx2tf downloads pictures to compare layers
        # on, unless they are there already.
        pictures = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
        np.save(folder / "calibration_image_sample_data_20x128x128x3_float32.npy", pictures)
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_PROCESS)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=os.environ
                | {
                    # onnx2tf calls onnxsim by name; without it some models fail with an unrelated
                    # message.
                    "PATH": os.pathsep.join(
                        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
                    ),
                    # tensorflow leaves files there when it is ended.
                    "TMPDIR": str(folder),
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                    "CUDA_VISIBLE_DEVICES": "",
                },
                # A group of its own, so that what it starts ends with it.
                start_new_session=True,
            )

    def __enter__(self) -> "Onnx2tf":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self.process, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    @property
    def process(self) -> int:
        """The process by its number, which is that of its group too."""
        return self._process.pid

    def start(self, onnx: Path, inputs: list[str]) -> None:
        """Hand it the model, whose inputs it is to leave in the layout that they have.

        Without that (`-kat`) onnx2tf turns (1, T, C) into (1, C, T) without a word.
        """
        self._onnx = onnx
        arguments = ["-i", str(onnx), "-o", str(self._folder), "-kat", *inputs]
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(arguments).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It ended while it imported; `result` says why.

    def result(self, where: str) -> bytes:
        """Wait for the float `.tflite` of the model; `where` names it in errors.

        Raises:
            InputError: onnx2tf cannot convert the model; the line holds what it said last.
            DeviceError: onnx2tf did not end.
        """
        try:
            code = self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            raise DeviceError(
                f"{where}: onnx2tf did not end within {_SECONDS} s", "try a smaller model"
            ) from None
        result = self._folder / f"{self._onnx.stem}_float32.tflite"
        if code != 0 or not result.is_file():
            raise InputError(
                f"{where}: onnx2tf cannot convert it ({_reason(self._log)})",
                "change the op that it names",
                details=self._log.read_text(errors="replace")[-_LOG_CHARACTERS:],
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
