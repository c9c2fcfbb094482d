"""Writes a folder of made-up recordings as a sensor would: `python record.py FOLDER`.

Six people move a wrist slowly, briskly and fast, a CSV file per recording. Put your own files and
midfuse.toml in its place.
"""

import csv
import shutil
import sys
from pathlib import Path

import numpy as np

SUBJECTS = ("ann", "bob", "cleo", "dan", "eve", "finn")
MOVEMENTS = {"slow": 1.0, "brisk": 2.0, "fast": 3.0}  # turns per second
RATE_HZ, SECONDS = 50, 8


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for subject in SUBJECTS:
        (folder / subject).mkdir(parents=True, exist_ok=True)
        for movement, turns in MOVEMENTS.items():
            with (folder / subject / f"{movement}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["ms", "ax", "ay", "az", "movement"])
                phase, pace = rng.uniform(0, 6, 3), turns * rng.uniform(0.9, 1.1)
                for at in range(RATE_HZ * SECONDS):
                    wave = np.sin(2 * np.pi * pace * at / RATE_HZ + phase)
                    sample = wave + rng.normal(0, 0.1, 3) + (0, 1, 0)
                    writer.writerow([1000 * at // RATE_HZ, *np.round(sample, 4), movement])
    shutil.copy(Path(__file__).with_name("midfuse.toml"), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
