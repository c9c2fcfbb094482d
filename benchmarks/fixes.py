"""What `--fix` wins back, on people whom nothing was trained or calibrated on. `make bench-fixes`.

The three models of `tests/converter/fixable.py`, trained SEEDS times each: accuracy in float, in
plain int8 and in int8 with fixes, on the windows of four held-out subjects; mean and standard
deviation over the seeds. Exit code 1 where less than 80 % of a loss over 2 points is won back.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.converter import fixable

SEEDS = 3
LEAST_LOSS, LEAST_WON_BACK = 0.02, 0.8


def main() -> int:
    data = fixable.recordings()
    held = True
    print(f"{len(data.test)} windows of held-out subjects, {SEEDS} seeds")
    for name in fixable.CASES:
        rows, won_back = [], []
        for seed in range(1, SEEDS + 1):
            with tempfile.TemporaryDirectory() as folder:
                case = fixable.case(name, data, Path(folder), seed)
                fixed = case.fixed()
            exact, plain = case.float_accuracy(), case.int8_accuracy(case.int8)
            rows.append((exact, plain, case.int8_accuracy(fixed.int8)))
            if exact - plain > LEAST_LOSS:
                won_back.append((rows[-1][2] - plain) / (exact - plain))
            kept = ", ".join(item.name for item in fixed.items if item.kept)
            size = f"{len(case.int8.content):,} to {len(fixed.int8.content):,} bytes"
            print(f"  seed {seed}: kept {kept or 'nothing'}; {size}", flush=True)
        held &= min(won_back, default=1.0) >= LEAST_WON_BACK
        means, spreads = np.mean(rows, axis=0), np.std(rows, axis=0)
        figures = [f"{100 * m:.1f} ± {100 * s:.1f} %" for m, s in zip(means, spreads, strict=True)]
        print(
            f"{name}: float {figures[0]}, int8 {figures[1]}, fixed {figures[2]}; of the loss won"
            f" back, seed by seed: {', '.join(f'{share:.0%}' for share in won_back)}",
            flush=True,
        )
    print("the limit holds" if held else "the limit does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
