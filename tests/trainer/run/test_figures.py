"""Figures against scikit-learn's, and pooling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from midfuse.core.scores import Spread
from trainer.data.windows import Windows
from trainer.run.figures import pooled, score

CLASSES = 4
answered = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), st.sampled_from("abc")),
    min_size=1,
    max_size=60,
)


@given(answered)
def test_they_are_scikit_learns(rows: list[tuple[int, int, str]]) -> None:
    labels, answers = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    part = Windows({}, labels, np.array([r[2] for r in rows]))
    found = score(answers, part, CLASSES)
    assert found.accuracy == pytest.approx(accuracy_score(labels, answers))
    assert found.macro_f1 == pytest.approx(f1_score(labels, answers, average="macro"))
    all_classes = {"labels": range(CLASSES), "average": None, "zero_division": 0}
    np.testing.assert_allclose(found.precision, precision_score(labels, answers, **all_classes))
    np.testing.assert_allclose(found.recall, recall_score(labels, answers, **all_classes))
    for subject, accuracy in found.by_subject.items():
        own = part.subjects == subject
        assert accuracy == pytest.approx(accuracy_score(labels[own], answers[own]))
    half = len(rows) // 2
    if half:
        parts = [
            score(answers[s], Windows({}, labels[s], part.subjects[s]), CLASSES)
            for s in (slice(None, half), slice(half, None))
        ]
        again = pooled(parts)
        np.testing.assert_array_equal(again.confusion, found.confusion)
        assert again.by_subject == pytest.approx(found.by_subject)


def test_json_names_the_classes() -> None:
    part = Windows({}, np.array([0, 1, 1]), np.array(["x", "x", "y"]))
    found = score(np.array([0, 1, 0]), part, 2).result(["sit", "walk"]).model_dump()
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["classes"]["walk"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "windows": 2,
    }
    assert found["subjects"] == {"x": 1.0, "y": 0.0}
    assert found["confusion"] == [[1, 0], [1, 1]]


def test_a_spread_is_of_a_sample() -> None:
    assert str(Spread.of([0.8, 0.9])) == "85.0 ± 7.1 %"
    assert str(Spread.of([0.8])) == "80.0 %"
