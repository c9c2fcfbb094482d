"""Images of the toy model, for tests of the link and of the boards; how hypothesis draws."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from firmware_tools.board.registry import read_board
from firmware_tools.image.linking import link_firmware
from midfuse.core.results import Image
from tests.firmware_tools.toy import TOY_MEMORY, TOY_MODEL, TOY_SHA256

pytest_plugins = ["pytester"]

# Files of few and slow tests: a worker that begins one last keeps the other waiting.
SLOW_FILES = (
    "test_train_command.py",
    "test_whole_run.py",
    "test_variants.py",
    "test_fixes.py",
    "test_broken.py",
    "test_strangers.py",
    "test_random_ops.py",
    "test_zoo.py",
    "test_pipeline.py",
    "test_graphs.py",
    "test_link.py",
    "test_jobs.py",
    "test_trained_ranges.py",
    "test_mutants.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


# CI judges a change by the same examples each time; everywhere else each run looks at new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def toy_image(board: str, out: Path, *, sanitize: bool = False) -> Image:
    return link_firmware(
        read_board(board),
        [TOY_MODEL],
        out,
        model_sha256=TOY_SHA256,
        memory=TOY_MEMORY,
        sanitize=sanitize,
    )


@pytest.fixture(scope="session")
def toy_native(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Under address and undefined-behaviour sanitizers."""
    return toy_image("native", tmp_path_factory.mktemp("native"), sanitize=True)


@pytest.fixture(scope="session")
def toy_qemu(tmp_path_factory: pytest.TempPathFactory) -> Image:
    for program in ("qemu-system-arm", "arm-none-eabi-gcc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return toy_image("qemu-mps2-an386", tmp_path_factory.mktemp("qemu"))
