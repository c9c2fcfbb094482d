"""Looks for what the tests have not met, until the time is over or something is found.

    python -m tests.fuzz MINUTES

Rounds on fresh seeds: mutants of the baselines, whole graphs and kernels against TFLM, hostile
shapes and types, the kernels of the emulated cores, the firmware's frame codec and server. Stops at
the first finding, with what is needed to reproduce it; exit code 1.
"""

import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.paths import DATA, ROOT

COMPILER = "tests/firmware_tools/compiler"
MUTANTS = 500
# What a round runs; the kernels' count of cases is of a whole run of theirs.
TESTS = (
    f"{COMPILER}/test_graphs.py",
    f"{COMPILER}/test_kernels.py::test_kernel_equals_tflm_in_many_cases",
    f"{COMPILER}/test_refusals.py",
    "tests/boards/test_variants.py",
    "tests/boards/test_variants_conv.py",
    "tests/boards/test_variants_elements.py",
    "tests/firmware_tools/link/test_frame.py",
    "tests/firmware_tools/link/test_protocol.py::test_hostile_streams",
)


def main(minutes: float) -> int:
    started = time.monotonic()
    number = 0
    while time.monotonic() - started < 60 * minutes:
        number += 1
        seed = random.SystemRandom().randrange(1 << 32)
        print(f"round {number}, seed {seed}", flush=True)
        with TemporaryDirectory() as out:
            for command in commands(seed, Path(out)):
                spent = time.monotonic() - started
                print(f"{spent / 60:.1f} min: {' '.join(command[2:])}", flush=True)
                try:
                    done = subprocess.run(
                        command, cwd=ROOT, capture_output=True, text=True, check=False,
                        timeout=max(60 * minutes - spent, 1),
                    )  # fmt: skip
                except subprocess.TimeoutExpired:
                    break
                if done.returncode:
                    print(done.stdout[-20_000:], done.stderr[-20_000:], sep="\n")
                    print(f"found by: {' '.join(command)}")
                    return 1
    print(f"{minutes:g} min: nothing found")
    return 0


def commands(seed: int, out: Path) -> list[list[str]]:
    """A round: mutants, then the tests one by one."""
    mutants = ["-m", "tests.support.mutants", str(seed), str(MUTANTS), str(DATA), str(out)]
    pytest = ["-m", "pytest", "-q", "-x", "-m", "full or not full", f"--hypothesis-seed={seed}"]
    return [[sys.executable, *each] for each in (mutants, *([*pytest, test] for test in TESTS))]


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
