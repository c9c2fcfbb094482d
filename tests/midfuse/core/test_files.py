"""Files are whole or the old ones, whatever ends the program that writes them."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.measure.windows import draw_windows
from midfuse.core.errors import InputError
from midfuse.core.files import publish, write_npz, write_whole
from midfuse.core.oracle import read_npz
from midfuse.core.results import Evaluation
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import need_oracle
from tests.support.paths import DATA

KILLS = 40
# Writes the same three kinds of file over and over, a number larger each time, until it is killed.
_WRITER = """
import sys
from pathlib import Path
import numpy as np
from midfuse.core.files import publish, write_npz, write_whole
out, made = Path(sys.argv[1]), Path(sys.argv[2])
at = int(sys.argv[3])
print("started", flush=True)
while True:
    at += 1
    write_whole(out / "text.json", f"{at:09d}" * 20_000)
    write_npz(out / "arrays.npz", {"x": np.full(20_000, at)}, packed=False)
    (made / "one.txt").write_text(f"{at:09d}" * 20_000)
    publish(made, out)
"""


def test_a_kill_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    out, made = tmp_path / "out", tmp_path / "made"
    made.mkdir()
    write_whole(out / "text.json", "000000000" * 20_000)
    write_npz(out / "arrays.npz", {"x": np.zeros(20_000)})
    write_whole(out / "one.txt", "000000000" * 20_000)
    last = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(out), str(made), str(last)],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(random.uniform(0, 0.05))
        child.kill()
        child.communicate()
        for name in ("text.json", "one.txt"):
            text = (out / name).read_text()
            assert text == text[:9] * 20_000
            last = max(last, int(text[:9]))
        values = read_npz(out / "arrays.npz")["x"]
        assert (values == values[0]).all()
        assert values.shape == (20_000,)
    assert last > KILLS


def test_a_killed_evaluation_leaves_the_earlier_one_or_its_own(tmp_path: Path) -> None:
    """The command itself, killed all the way through."""
    need_oracle()
    inputs, out = tmp_path / "in.npz", tmp_path / "out"
    model = read_tflite(DATA / "cnn_har_int8.tflite")
    np.savez(inputs, **{"0": draw_windows(model, 20)[0]})
    command = [sys.executable, "-m", "midfuse", "evaluate", str(model.path), "--board", "native",
               "--inputs", str(inputs), "--out", str(out), "--json"]  # fmt: skip
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.monotonic() - begun
    for at in range(12):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds * (at + 1) / 13)
        child.kill()
        child.wait()
        Evaluation.model_validate_json((out / "evaluation.json").read_bytes())
        assert len(read_npz(out / "outputs.npz")["output_0"]) == 20


def test_what_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written .*; name another folder as `out`"):
        write_whole(tmp_path / "file" / "x.json", "x")
    made = tmp_path / "made"
    made.mkdir()
    (made / "a").write_text("a")
    (made / "b").write_text("b")
    out = tmp_path / "out"
    (out / "b").mkdir(parents=True)  # a folder where a file is to go
    with pytest.raises(InputError, match="cannot be written"):
        publish(made, out)
    assert not list(out.glob(".*"))
    assert os.listdir(out / "b") == []
