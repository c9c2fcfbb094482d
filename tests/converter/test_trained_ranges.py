"""Ranges that the trainer settled are what the `.tflite` holds, and int8 answers as was trained."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from converter.fixes.search import fix
from converter.pipeline import convert_model
from converter.quantising.ranges import Ranges, tied
from converter.quantising.trained import trained_spans
from converter.reading.modules import load_student
from converter.reading.windows import FloatArray, Windows
from converter.result import Conversion
from midfuse.core.card import (
    Architecture,
    Input,
    ModelCard,
    Output,
    Training,
    read_card,
    write_card,
)
from midfuse.core.errors import InputError
from midfuse.core.numeric import grid, quantise
from midfuse.core.oracle import Oracle, run_windows
from trainer.data.datasets import load_dataset
from trainer.data.protocols import splits
from trainer.data.windows import Windows as SensorWindows
from trainer.data.windows import cut, fit_standardiser, of_subjects
from trainer.learn.augment import Drawer, Strength
from trainer.learn.distil import Labels
from trainer.learn.grids import trained_ranges
from trainer.learn.lesson import Data
from trainer.models.student import Student
from trainer.run.checkpoint import load_tuned, save_weights
from trainer.run.fit import Schedule, fit, predict, reproducible
from trainer.run.stages import tune

LOGITS, POOLED, WEIGHTS = "grid.logits", "grid.pooled", "blocks.0.spatial.grid.weights"


@dataclass(frozen=True)
class Tuned:
    """A student tuned on the watch recordings, its conversion, and windows of other subjects."""

    card: Path
    calibration: Windows
    held_out: dict[str, FloatArray]
    result: Conversion

    @property
    def ranges(self) -> Ranges:
        return read_card(self.card).trained_ranges


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """A short but real training: labels first, then tuning by the answers learnt from them."""
    dataset = load_dataset("seglearn-watch", None)
    split = splits(dataset, "usual")[0]
    recordings = of_subjects(dataset, split.train)
    standardise = fit_standardiser(cut(recordings, dataset.window))

    def windows(subjects: list[str]) -> SensorWindows:
        raw = cut(of_subjects(dataset, subjects), dataset.window)
        return SensorWindows(standardise(raw.inputs), raw.labels, raw.subjects)

    drawer = Drawer(recordings, dataset.modalities, dataset.window, standardise, Strength())
    data = Data(drawer, windows(split.validation), seed=0)
    reproducible(0)
    config = {"channels": [3, 3], "length": 128, "classes": len(dataset.labels)}
    student = Student(**config)  # type: ignore[arg-type]
    fit(Labels(student, 0.1), data, Schedule(12), "student")
    student, _ = tune(student, data, Schedule(3, rate=2e-4))

    folder = tmp_path_factory.mktemp("tuned")
    save_weights(student, folder / "student.safetensors")
    card = ModelCard(
        name="student",
        modalities=dataset.modalities,
        window=dataset.window,
        labels=dataset.labels,
        inputs=[
            Input(name=m.name, modality=m.name, shape=[1, 128, 3], mean=[0.0] * 3, std=[1.0] * 3)
            for m in dataset.modalities
        ],
        outputs=[Output(name="logits", shape=[1, len(dataset.labels)])],
        architecture=Architecture(name="dmft-student", config=config | {"folded": True}),
        trained_ranges=trained_ranges(student),
        training=Training(
            dataset="seglearn-watch", licence="", split=asdict(split), seed=0, figures={}
        ),
    )
    write_card(card, folder / "student.json")
    calibration = {name: x[::16] for name, x in windows(split.train).inputs.items()}
    result = convert_model(folder / "student.json", calibration, out=folder / "out")
    return Tuned(
        folder / "student.json",
        Windows([x[:, None] for x in calibration.values()]),
        windows(split.test).inputs,
        result,
    )


def test_every_activation_is_on_the_grid_that_was_trained(tuned: Tuned) -> None:
    ranges, model, names = tuned.ranges, tuned.result.model, tuned.result.ranges
    assert tuned.result.observed == 0
    assert tuned.result.trained == len(ranges)
    report = (tuned.card.parent / "out" / "report.html").read_text(encoding="utf-8")
    assert f"Activation ranges: {len(ranges)} trained, 0 observed." in report
    # No two points share a grid but the softmaxes, whose grid is given.
    grids = {grid(*span) for span in ranges.values()}
    assert len(grids) == len(ranges) - sum(name.endswith(".weights") for name in ranges) + 1
    made = [*model.inputs, *(index for op in model.ops for index in op.outputs)]
    held = {(model.tensors[index].scale, model.tensors[index].zero_point) for index in made}
    assert held == grids
    assert {model.tensors[index].name for index in made} == set(names)
    assert set(names.values()) == set(ranges.values())


def test_a_points_tensor_holds_what_the_point_gives(tuned: Tuned) -> None:
    """Not only some tensor has its grid: the codes of its tensor are, in any order, its values."""
    ranges, model = tuned.ranges, tuned.result.model
    student = load_tuned(tuned.card).deploy()
    window = [torch.from_numpy(x[:1]) for x in tuned.held_out.values()]
    given: dict[str, FloatArray] = {}
    for name in ranges:
        student.get_submodule(name).register_forward_hook(
            lambda _, __, values, name=name: given.__setitem__(name, values.numpy())
        )
    with torch.no_grad():
        student(*window)
    oracle = Oracle(model, observable=True)
    oracle.run(
        [
            quantise(x.numpy(), model.tensors[index].scale, model.tensors[index].zero_point)
            for index, x in zip(model.inputs, window, strict=True)
        ]
    )
    for index in [*model.inputs, *(index for op in model.ops for index in op.outputs)]:
        tensor = model.tensors[index]
        step = tensor.scale, tensor.zero_point
        codes = np.sort(oracle.tensor(index).ravel()).astype(int)
        distances = [
            np.abs(np.sort(quantise(given[name], *step).ravel()) - codes).mean()
            for name, span in ranges.items()
            if grid(*span) == step and given[name].size == codes.size
        ]
        # The point of the tokens gives both modalities'; before they are joined there is one's.
        if distances or grid(*ranges["grid.encoded"]) != step:
            assert min(distances) < 0.2, tensor.name


def test_int8_answers_as_the_tuned_student(tuned: Tuned) -> None:
    model = tuned.result.model
    expected = predict(load_tuned(tuned.card), tuned.held_out)
    codes = [
        quantise(x, model.tensors[index].scale, model.tensors[index].zero_point)
        for index, x in zip(model.inputs, tuned.held_out.values(), strict=True)
    ]
    (answers,) = run_windows(model, codes)
    answers = answers.reshape(expected.shape)
    same = answers.argmax(1) == expected.argmax(1)
    assert len(same) > 400
    assert same.mean() >= 0.995
    # Most scores too are the same to the bit: the points round as the kernels do.
    output = model.tensors[model.outputs[0]]
    codes_of_tuned = quantise(expected, output.scale, output.zero_point)
    assert (answers == codes_of_tuned).all(1).mean() > 0.9


def test_weights_are_rounded_as_in_tuning(tuned: Tuned) -> None:
    student, model = load_tuned(tuned.card), tuned.result.model
    mine = sorted(
        np.sort(value.detach().numpy().ravel()).tolist()
        for name, part in student.named_modules()
        for value in [getattr(part, "weight", None)]
        if isinstance(value, torch.Tensor)
    )
    theirs = []
    for op in model.ops:
        if op.name not in ("CONV_2D", "FULLY_CONNECTED"):
            continue
        tensor = model.tensors[op.inputs[1]]
        assert tensor.data is not None
        assert tensor.quantization is not None
        scale = tensor.quantization.scale.reshape(-1, *[1] * (tensor.data.ndim - 1))
        theirs.append(np.sort((tensor.data * scale).astype(np.float32).ravel()).tolist())
    assert len(mine) == len(theirs)
    for one, other in zip(mine, sorted(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_fixes_leave_trained_ranges_alone(tuned: Tuned, tmp_path: Path) -> None:
    model = tuned.result.float_model
    card = read_card(tuned.card)
    module = load_student(card, tuned.card)
    spans = trained_spans(model, module, card.trained_ranges, tuned.calibration, "card")
    fixed = fix(model, tuned.calibration, tmp_path / "x.tflite", "x", trained=spans)
    assert fixed.ranges == tuned.result.ranges
    assert fixed.float_model is model


def test_a_student_that_was_not_tuned_has_no_grids(tuned: Tuned, tmp_path: Path) -> None:
    card = read_card(tuned.card)
    (tmp_path / "student.safetensors").write_bytes(
        tuned.card.with_suffix(".safetensors").read_bytes()
    )
    for ranges in ({}, {LOGITS: (-1.0, 1.0)}):
        write_card(card.model_copy(update={"trained_ranges": ranges}), tmp_path / "student.json")
        with pytest.raises(
            InputError, match=r"student\.json: trained_ranges: not those of a tuned"
        ):
            load_tuned(tmp_path / "student.json")


def _wrong(ranges: Ranges, tuned: Tuned) -> str:
    card = read_card(tuned.card)
    with pytest.raises(InputError) as raised:
        trained_spans(
            tuned.result.float_model,
            load_student(card, tuned.card),
            ranges,
            tuned.calibration,
            str(tuned.card),
        )
    message = str(raised.value)
    assert message.startswith(f"{tuned.card}: trained_ranges: ")
    assert "\n" not in message
    return message.removeprefix(f"{tuned.card}: trained_ranges: ")


@pytest.mark.parametrize(
    ("name", "span", "says"),
    [
        ("blocks.7.grid.tokens", (-1.0, 1.0), "blocks.7.grid.tokens: the student has no such"),
        ("", (-1.0, 1.0), "the student has no such"),
        (LOGITS, (2.0, -2.0), "grid.logits: (2, -2) is no range"),
        (LOGITS, (0.0, 0.0), "grid.logits: (0, 0) is no range"),
        (WEIGHTS, (0.0, 0.5), "weights: SOFTMAX writes on (0.0, 0.99609375) only"),
        # A module beside the point, which gives the same values on another grid.
        ("classifier", (-9.0, 9.0), "classifier and grid.logits: they give the same values"),
        # What this gives has gone into the CONV_2D that its ReLU is fused into.
        ("encoders.0.first", (-9.0, 9.0), "encoders.0.first: no tensor of the .tflite holds"),
        # Concatenation ties the tokens of both modalities.
        ("encoders.0", (0.0, 9.0), "its tensor is tied to that of"),
        ("encoders", (0.0, 9.0), "encoders: an inference does not run it once"),
    ],
)
def test_wrong_ranges_are_refused(
    tuned: Tuned, name: str, span: tuple[float, float], says: str
) -> None:
    assert says in _wrong(tuned.ranges | {name: span}, tuned)


def test_what_was_not_trained_is_observed(tuned: Tuned) -> None:
    card = read_card(tuned.card)
    kept = {name: span for name, span in card.trained_ranges.items() if name != POOLED}
    model = tuned.result.float_model
    module = load_student(card, tuned.card)
    spans = trained_spans(model, module, kept, tuned.calibration, "card")
    assert len(set(tied(model).values()) - set(spans)) == 1
    assert trained_spans(model, module, {}, tuned.calibration, "card") == {}
