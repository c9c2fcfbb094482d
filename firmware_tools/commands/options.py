"""The options that several commands on boards share."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click

from firmware_tools.runtimes.interface import Runtime, find_runtime
from midfuse.cli.console import Outcome
from midfuse.core.errors import InputError

MODEL = click.argument("model", type=click.Path(path_type=Path))
BOARD = click.option("--board", required=True, help="A board; `midfuse boards` lists them.")
PORT = click.option("--port", help="The port of a board that runs already.")
OUT = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write to [runs/MODEL-BOARD]."
)


def runtime_options(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """The options `--runtime` and `--tflm`; the command gets what they mean as `runtime`."""

    @click.option(
        "--runtime",
        default="midfuse",
        show_default=True,
        help="What carries out an inference: midfuse, tflm, or one that a package brings.",
    )
    @click.option(
        "--tflm",
        type=click.Path(path_type=Path),
        help="Checkout of tflite-micro with its library built [$MIDFUSE_TFLM].",
    )
    @wraps(function)
    def chosen(*arguments: object, runtime: str, tflm: Path | None, **options: object) -> Outcome:
        return function(*arguments, runtime=_chosen(runtime, tflm), **options)

    return chosen


def _chosen(name: str, tflm: Path | None) -> Runtime:
    """The runtime that the options ask for.

    Raises:
        InputError: no such runtime, TFLM without a folder, or a folder without TFLM.
    """
    if tflm is not None and name != "tflm":
        raise InputError(f"`tflm`: the runtime is {name}", "add --runtime tflm")
    return find_runtime(name, tflm)
