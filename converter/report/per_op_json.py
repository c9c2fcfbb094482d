"""`per_op.json`: every op's figures for programs."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from converter.checks.op_check import OpCheck
from midfuse.core.files import write_whole
from midfuse.core.tflite_file import TFLiteModel

SCHEMA_VERSION = 2


def write_per_op(path: Path, model: TFLiteModel, windows: int, checks: list[OpCheck]) -> None:
    """Write all ops in the model's order: the fields of `OpCheck` but the histogram.

    What has no finite value is null, so that every JSON reader takes the file.
    """
    fields = {
        "schema_version": SCHEMA_VERSION,
        "model": model.path.name,
        "sha256": model.sha256,
        "windows": windows,
        "ops": [_op(check) for check in checks],
    }
    write_whole(path, json.dumps(fields, indent=1, allow_nan=False) + "\n")


def _op(check: OpCheck) -> dict[str, Any]:
    fields = asdict(check)
    del fields["histogram"]
    return _finite(fields)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
