"""Results of commands that did not run, for tests of what reads them."""

from typing import Any

from midfuse.core.card import Modality, Window
from midfuse.core.results import (
    ConvertAgreement,
    ConvertResult,
    DataResult,
    Evaluation,
    LinkStatistics,
    RangeCounts,
    SameClass,
    SampleCounts,
    Spread,
    SubjectSplit,
    Training,
    TrainResult,
)


def training(**changes: Any) -> Training:
    made = Training(
        split=0,
        seed=0,
        subjects=SubjectSplit(train=["3"], validation=[], test=["1", "2"]),
        windows={"train": 10, "test": 10},
        figures={},
        validation={},
        parameters={"teacher": 300, "student": 20},
        macs={"teacher": 3000, "student": 200},
        seconds={},
        files={},
    )
    return made.model_copy(update=changes)


def trained() -> TrainResult:
    return TrainResult(dataset="d", repairs={}, splits=1, figures={}, trainings=[training()])


def converted() -> ConvertResult:
    return ConvertResult(
        name="student",
        tflite="student_int8.tflite",
        sha256="",
        bytes=1,
        ops=1,
        float_error=0.0,
        ranges=RangeCounts(trained=1, observed=0),
        calibration_windows=1,
        check_windows=1,
        agreement=ConvertAgreement(
            windows=1,
            held_out=True,
            sqnr_db=None,
            same_class=SameClass(float_tflite=1, int8_host=1),
        ),
        accuracy=None,
        verdicts={},
        first_broken=None,
        missed=[],
        fixes=None,
        card=True,
        files=[],
    )


def evaluation(**changes: Any) -> Evaluation:
    made = Evaluation(
        board="b",
        runtime="midfuse",
        model="student_int8.tflite",
        model_sha256="",
        windows=10,
        accuracy=None,
        differing_bytes=0,
        largest_difference=0.0,
        tolerance=0.0,
        compared_with="tflite-micro",
        instructions_per_inference=None,
        nanoseconds_per_inference=Spread(mean=1.0, min=1.0, max=1.0),
        ram_bytes=None,
        stack_bytes=None,
        flash_bytes=None,
        arena_bytes=1,
        seconds={},
        link=LinkStatistics(),
        per_op=None,
        per_op_windows=0,
    )
    return made.model_copy(update=changes)


def data_set(modalities: tuple[str, ...], window: Window) -> DataResult:
    return DataResult(
        dataset="d",
        title="",
        licence="",
        citation="",
        download="",
        subjects=["1"],
        test_subjects=[],
        splits=1,
        window=window,
        modalities=[Modality(name=n, channels=["x"], unit="1", rate_hz=50) for n in modalities],
        classes={},
        recordings=1,
        samples=SampleCounts(least=1, median=1, most=1),
        repairs={},
        picture="",
    )
