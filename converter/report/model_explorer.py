"""The per-op figures as node data for Google's Model Explorer, which draws them on the graph.

The format is its `GraphNodeData` (`node_data_builder.py` of the package ai-edge-model-explorer
0.1.34) for one graph: `results` by node id, and `thresholds`, each colouring the values up to its
own and above the one before. Its TFLite adapter gives an op the id of its position. A file holds
one value a node, so each measure has a file.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from converter.checks.causes import BROKEN_DB, SUSPECT_DB
from converter.checks.op_check import OpCheck, OpError
from converter.report.words import judged
from midfuse.core.files import write_whole

# SQNR in dB, up to which a node takes a colour: the darker, the further from float, so that the
# order survives without colour. Above the last, white.
_THRESHOLDS = [
    (BROKEN_DB, "#67000d", "#ffffff"),
    (SUSPECT_DB, "#cb181d", "#ffffff"),
    (30.0, "#fcae91", "#000000"),
]


def write_overlays(folder: Path, checks: Sequence[OpCheck]) -> None:
    """Write `per_op_accumulated.model_explorer.json` and `per_op_local.model_explorer.json`.

    An op without an error, or without a signal, has no value there.
    """
    for name, errors in (
        ("accumulated", [check.accumulated for check in checks]),
        ("local", [check.local for check in checks]),
    ):
        fields = {
            "name": f"{name} SQNR (dB)",
            "results": _results(checks, errors),
            "thresholds": [
                {"value": value, "bgColor": background, "textColor": text}
                for value, background, text in _THRESHOLDS
            ],
            # Sums of decibels over the ops of a group mean nothing.
            "hideAggregatedStats": ["sum"],
            "hideInChildrenStatsTable": True,
        }
        path = folder / f"per_op_{name}.model_explorer.json"
        write_whole(path, json.dumps(fields, indent=1, allow_nan=False) + "\n")


def _results(checks: Sequence[OpCheck], errors: Sequence[OpError]) -> dict[str, dict[str, float]]:
    values = {check.index: judged(error) for check, error in zip(checks, errors, strict=True)}
    return {
        str(index): {"value": round(value, 2)}
        for index, value in values.items()
        if value is not None
    }
