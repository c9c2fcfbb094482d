"""Weights in safetensors, which carries numbers only; the config travels in the model card."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from midfuse.core.card import ModelCard, read_card
from midfuse.core.errors import InputError
from midfuse.core.files import write_whole
from trainer.learn.grids import grids, plain_weights, put_on_grids
from trainer.models.student import Student


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's parameters and buffers; the ranges of a tuned one go to its card.

    Raises:
        InputError: the file cannot be written.
    """
    write_whole(path, save({n: value.contiguous() for n, value in plain_weights(model).items()}))


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill a model from a file.

    Raises:
        InputError: no such file, not safetensors, or weights of another architecture.
    """
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", "name a .safetensors checkpoint") from None
    except SafetensorError as error:
        raise InputError(f"{path}: not a safetensors file ({error})", "train again") from None
    except RuntimeError:
        raise InputError(
            f"{path}: weights of another architecture", "use the model card written beside it"
        ) from None


def load_student(card_path: Path) -> Student:
    """The student of a card and of the weights beside it, in float: its grids are off.

    Raises:
        InputError: a card that cannot be read or is no student's, or what `load_weights` raises.
    """
    return _read_student(card_path)[0]


def _read_student(card_path: Path) -> tuple[Student, ModelCard]:
    card = read_card(card_path)
    if card.architecture.name != "dmft-student":
        raise InputError(
            f"{card_path}: architecture.name is {card.architecture.name!r}", "name a student's card"
        )
    student = Student(**card.architecture.config)
    load_weights(student, card_path.with_suffix(".safetensors"))
    return student.eval(), card


def load_tuned(card_path: Path) -> Student:
    """The same student on its grids: what int8 computes.

    Raises:
        InputError: as `load_student`, or a student that was not tuned.
    """
    student, card = _read_student(card_path)
    if card.trained_ranges.keys() != grids(student).keys():
        raise InputError(
            f"{card_path}: trained_ranges: not those of a tuned student", "train it again"
        )
    put_on_grids(student, card.trained_ranges)
    return student
