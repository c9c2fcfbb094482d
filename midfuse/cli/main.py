"""The front door: `midfuse COMMAND`. Commands are imported when used, so help stays instant."""

import importlib
import sys
from collections.abc import Sequence

import click

from midfuse import __version__

# name: (module, function, one line of help). The help is repeated here because reading it from
# the command would import the command.
COMMANDS = {
    "run": (
        "midfuse.cli.run",
        "run",
        "Everything in order: train, convert, build, flash, evaluate.",
    ),
    "data": ("trainer.commands.data", "data", "What is in a data set, with a picture."),
    "train": ("trainer.commands.train", "train", "Train teacher and student on real recordings."),
    "perturb": (
        "trainer.commands.perturb",
        "perturb_command",
        "Test windows as worn devices give them.",
    ),
    "convert": (
        "converter.commands.convert",
        "convert",
        "PyTorch or ONNX to int8 TFLite, every op checked.",
    ),
    "build": (
        "firmware_tools.commands.build",
        "build",
        "Compile a .tflite into firmware, or into C.",
    ),
    "flash": (
        "firmware_tools.commands.flash",
        "flash",
        "Put an image on a board, or boot an emulated one.",
    ),
    "evaluate": (
        "firmware_tools.commands.evaluate",
        "evaluate",
        "Run a model on a board and compare its bytes.",
    ),
    "profile": ("firmware_tools.commands.profile", "profile", "Where a model's instructions go."),
    "bench": ("firmware_tools.commands.bench", "bench", "Count what models need on each core."),
    "study": ("midfuse.cli.study", "study", "What a model is worth: table, plot and JSON."),
    "boards": ("firmware_tools.commands.boards", "boards", "List the boards."),
    "doctor": ("firmware_tools.commands.doctor", "doctor", "What this machine has and lacks."),
}


class LazyGroup(click.Group):
    """A click group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[name]
        try:
            found: click.Command = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as missing:
            package = (missing.name or "").partition(".")[0]
            extra = {"trainer": "train", "converter": "convert"}.get(module.partition(".")[0])
            if extra is None or package in ("midfuse", "trainer", "converter", "firmware_tools"):
                raise
            print(
                f"error: midfuse {name} needs the package {package}, which is not installed;"
                f' run: pip install "midfuse[{extra}]"',
                file=sys.stderr,
            )
            sys.exit(3)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[2]) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="midfuse")
def main() -> None:
    """Take a PyTorch model to a microcontroller, and prove at every step that it is still right."""


def convert_to_tflite(arguments: Sequence[str] | None = None) -> None:
    """The `convert-to-tflite` command: the same as `midfuse convert`."""
    command = main.get_command(click.Context(main), "convert")
    assert command is not None
    command.main(args=arguments, prog_name="convert-to-tflite")
