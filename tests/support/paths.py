"""Where the checkout has what tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# The three baselines, which are in the package.
DATA = ROOT / "firmware_tools" / "measure" / "models"
# The demo's student with its card.
STUDENT = ROOT / "tests" / "data" / "student"
# Recordings and cases beside the checkout; not everybody has them.
SHARED = ROOT.parent / "shared"
