"""Who trains, who validates and who is tested on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midfuse.core.errors import InputError
from tests.trainer.numbered import data_set
from trainer.data.datasets import load_dataset
from trainer.data.protocols import BY_FOLD, LEAVE_ONE_OUT, PROTOCOLS, USUAL, splits


@given(st.integers(5, 40), st.sampled_from(PROTOCOLS))
def test_every_subject_is_tested_once_and_never_in_two_parts(subjects: int, protocol: str) -> None:
    dataset = data_set(subjects)
    found = splits(dataset, protocol)
    assert sorted(s for split in found for s in split.test) == sorted(dataset.subjects)
    for split in found:
        assert sorted(split.train + split.validation + split.test) == sorted(dataset.subjects)
        assert split.train
        assert split.validation
        final = split.chosen()
        assert (final.validation, final.test) == ([], split.test)
        assert sorted(final.train + final.test) == sorted(dataset.subjects)
    if protocol != LEAVE_ONE_OUT:
        assert sorted(s for split in found for s in split.validation) == sorted(dataset.subjects)


def test_the_usual_split_is_the_sets_own() -> None:
    dataset = data_set(12, ["0", "10", "3"])
    (split,) = splits(dataset, USUAL)
    assert split.test == ["0", "10", "3"]
    assert split.validation == ["6"]
    assert split.train == ["1", "2", "4", "5", "7", "8", "9", "11"]
    assert len(splits(dataset, BY_FOLD)) == 5
    assert len(splits(dataset, LEAVE_ONE_OUT)) == 12


def test_four_subjects_besides_the_test_leave_three_to_train_on() -> None:
    (split,) = splits(data_set(8, ["1", "3", "5", "7"]), USUAL)
    assert (split.train, split.validation) == (["0", "2", "4"], ["6"])


def test_the_watch_has_two_subjects_a_fold() -> None:
    first = splits(load_dataset("seglearn-watch"), USUAL)[0]
    assert (first.test, first.validation) == (["1", "2"], ["3", "4"])
    assert first.train == ["5", "6", "7", "8", "9", "10"]


@pytest.mark.parametrize(
    ("subjects", "tested", "protocol"),
    [(4, [], USUAL), (4, [], BY_FOLD), (2, [], LEAVE_ONE_OUT), (3, ["0", "1"], USUAL)],
)
def test_too_few_subjects_are_refused(subjects: int, tested: list[str], protocol: str) -> None:
    with pytest.raises(InputError, match="subjects, too few to split; record at least"):
        splits(data_set(subjects, tested), protocol)
