"""An image over the runtime that the user chose: ours, or TFLM from a folder."""

from collections.abc import Callable
from functools import wraps
from os import environ
from pathlib import Path

import click

from firmware_tools.board.registry import Board
from firmware_tools.image.image import Image
from firmware_tools.image.linking import build_firmware
from firmware_tools.runtimes.tflm.build import build_tflm
from firmware_tools.runtimes.tflm.library import find_library
from midfuse.cli.console import Outcome
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from midfuse.core.tflite_file import TFLiteModel

# The folder where --tflm names none.
TFLM_VARIABLE = "MIDFUSE_TFLM"


def build_image(
    model: TFLiteModel,
    board: Board,
    out: Path,
    *,
    tflm: Path | None = None,
    observable: bool = False,
    report: bool = False,
    progress: Progress = SILENT,
) -> Image:
    """Build a model over our runtime, or over the TFLM in the folder `tflm`.

    `report` is of our compiler's arena; of TFLM's there is none.

    Raises:
        InputError, DeviceError: as `build_firmware`, `find_library` and `build_tflm`.
    """
    if tflm is None:
        return build_firmware(
            model, board, out, observable=observable, report=report, progress=progress
        )
    library = find_library(tflm, board)
    return build_tflm(model, board, library, out, observable=observable, progress=progress)


def runtime_options(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """The options `--runtime` and `--tflm`; the command gets what they mean as `tflm`, the folder
    that `build_image` takes.
    """

    @click.option(
        "--runtime",
        type=click.Choice(["midfuse", "tflm"]),
        default="midfuse",
        show_default=True,
        help="What carries out an inference.",
    )
    @click.option(
        "--tflm",
        type=click.Path(path_type=Path),
        help=f"Checkout of tflite-micro with its library built [${TFLM_VARIABLE}].",
    )
    @wraps(function)
    def chosen(*arguments: object, runtime: str, tflm: Path | None, **options: object) -> Outcome:
        return function(*arguments, tflm=_chosen(runtime, tflm), **options)

    return chosen


def _chosen(runtime: str, tflm: Path | None) -> Path | None:
    """The folder of the TFLM that the options ask for; none for our runtime.

    Raises:
        InputError: TFLM without a folder, or a folder without TFLM.
    """
    if runtime != "tflm":
        if tflm is not None:
            raise InputError("--tflm: the runtime is midfuse", "say --runtime tflm, too")
        return None
    found = tflm or environ.get(TFLM_VARIABLE)
    if not found:
        raise InputError(
            "--runtime tflm: no --tflm DIR",
            "name a checkout of tflite-micro with its library built (docs/tflm.md)",
        )
    return Path(found)
