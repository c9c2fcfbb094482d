"""What the commands answer: strict, versioned, and described in docs/schemas."""

import pytest
from pydantic import ValidationError

from midfuse.core.results import Profile, StepProfile
from midfuse.core.schemas import FOLDER, schemas


def test_the_schemas_are_those_of_the_code() -> None:
    """`make docs` writes them."""
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == schemas()


PROFILE = Profile(
    board="native",
    runtime="midfuse",
    model="m.tflite",
    model_sha256="00",
    windows=1,
    unit="nanoseconds",
    taken=2.0,
    steps_taken=1.0,
    macs=3,
    steps=[StepProfile(step=0, name="ADD", ops=[0], taken=1.0, share=1.0, macs=3)],
)


def test_a_result_comes_back_from_its_json() -> None:
    assert Profile.model_validate_json(PROFILE.model_dump_json()) == PROFILE


@pytest.mark.parametrize("change", [{"schema_version": 99}, {"unheard_of": 1}, {"taken": "much"}])
def test_a_result_of_another_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Profile.model_validate(PROFILE.to_json() | change)
