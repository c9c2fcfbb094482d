"""Images over TFLM: the adapter over a stand-in on emulated boards, and TFLM itself where there is
a checkout of it (MIDFUSE_TFLM).
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from firmware_tools.board.registry import Board, read_board
from firmware_tools.emulate.boot import open_session
from firmware_tools.link.protocol import Kind
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.measure.profile import profile_model
from firmware_tools.measure.windows import draw_windows
from firmware_tools.runtimes.tflm.library import fitting_libraries
from firmware_tools.runtimes.tflm.runtime import Tflm
from midfuse.cli.main import main
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.oracle import Values
from midfuse.core.results import Image
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import need, need_oracle
from tests.firmware_tools.stand_in import (
    build_stand_in,
    stand_in_arena,
    stand_in_checkout,
    stand_in_tensors,
)
from tests.support.paths import DATA

MODEL = read_tflite(DATA / "cnn_har_int8.tflite")
M4, M0 = read_board("qemu-mps2-an386"), read_board("qemu-mps2-an385-m0")
TFLM_VARIABLE = "MIDFUSE_TFLM"
OUTPUT_BYTES = [MODEL.tensors[index].bytes for index in MODEL.outputs]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the stand-in for a Cortex-M4F."""
    folder = stand_in_checkout(tmp_path_factory.mktemp("checkouts") / "tflite-micro")
    build_stand_in(folder, need(M4), "m4_default")
    return folder


@pytest.fixture(scope="module")
def image(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    return Tflm(checkout).build(MODEL, M4, tmp_path_factory.mktemp("image"))


def windows(count: int) -> list[list[Values]]:
    drawn = draw_windows(MODEL, count)
    return [[values[at] for values in drawn] for at in range(count)]


def run(image: Image, board: Board, count: int = 2) -> None:
    """The image answers as the stand-in computes."""
    with open_session(image, board) as session:
        for window in windows(count):
            answer = session.link.run_window([values.tobytes() for values in window], OUTPUT_BYTES)
            assert answer.outputs == [stand_in_tensors(MODEL, window)[MODEL.outputs[0]]]


def midfuse(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_the_interpreter_answers_through_our_server(image: Image) -> None:
    run(image, M4)
    with open_session(image, M4) as session:
        assert session.identity.firmware_version.endswith(" tflm")
        (described,) = session.link.tensors(Kind.INPUT, 1)
        tensor = MODEL.tensors[MODEL.inputs[0]]
        assert (described.shape, described.bytes) == (tensor.shape, tensor.bytes)
        assert described.scale == tensor.scale


def test_the_arena_is_the_least_that_the_library_starts_with(image: Image) -> None:
    """More than what it holds in the end: the stand-in needs room to plan in, as TFLM does."""
    assert image.arena_bytes == stand_in_arena(MODEL)
    kept = [tensor.bytes for tensor in MODEL.tensors if tensor.data is None]
    assert sum(kept) <= image.peak_bytes < image.arena_bytes
    assert image.static_ram_bytes is not None
    assert image.arena_bytes < image.static_ram_bytes < image.arena_bytes + 2048


def test_the_image_says_what_it_is_made_of(image: Image) -> None:
    assert image.runtime == "tflm"
    assert [step.name for step in image.steps] == [op.name for op in MODEL.ops]
    assert image.flash_parts is not None
    assert image.flash_parts["constants"] == image.constant_bytes == len(MODEL.content)
    assert 500 < image.flash_parts["kernels"] < 5000
    assert image.flash_bytes == sum(image.flash_parts.values())


def test_an_image_for_a_real_board_is_probed_on_an_emulated_one_of_its_core(
    image: Image, checkout: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    built = midfuse("build", MODEL.path, "--board=nucleo-f446re", "--runtime=tflm",
                    f"--tflm={checkout}", f"--out={out}", "--json")  # fmt: skip
    assert built.exit_code == 0, built.output
    data = json.loads(built.stdout)
    assert (data["board"], data["runtime"]) == ("nucleo-f446re", "tflm")
    assert data["arena_bytes"] == image.arena_bytes
    assert str(checkout) not in (out / "firmware.map").read_text()


def test_the_same_input_gives_the_same_image(image: Image, checkout: Path, tmp_path: Path) -> None:
    assert Tflm(checkout).build(MODEL, M4, tmp_path).image_id == image.image_id


def test_a_small_board_refuses_by_what_the_probe_found(tmp_path: Path) -> None:
    """Probed where there is room: what has 16 KB could not even say how much it lacks."""
    checkout = stand_in_checkout(tmp_path / "tflite-micro")
    build_stand_in(checkout, need(M0), "m0_default")
    with pytest.raises(InputError, match=f"an arena of {stand_in_arena(MODEL)} bytes"):
        Tflm(checkout).build(MODEL, read_board("microbit"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "define"), [("native", "USE_TFLM_COMPRESSION"), ("qemu-mps3-an547", "STAND_IN")]
)
def test_other_cores(name: str, define: str, tmp_path: Path) -> None:
    """And a library whose interpreter is of another shape, which its headers know by a macro."""
    board = need(read_board(name))
    checkout = stand_in_checkout(tmp_path / "tflite-micro")
    build_stand_in(checkout, board, "default", define=define)
    run(Tflm(checkout).build(MODEL, board, tmp_path / "out"), board, count=1)


def test_an_observable_image_keeps_every_tensor(checkout: Path, tmp_path: Path) -> None:
    """The stand-in spoils them after an inference unless it is asked to preserve them."""
    image = Tflm(checkout).build(MODEL, M4, tmp_path, observable=True)
    (window,) = windows(1)
    expected = stand_in_tensors(MODEL, window)
    with open_session(image, M4) as session:
        tensors = session.link.tensors(Kind.TENSOR, session.identity.tensors)
        answer = session.link.run_window(
            [values.tobytes() for values in window],
            OUTPUT_BYTES,
            [tensor.bytes for tensor in tensors],
        )
    assert len(tensors) == len(MODEL.ops)
    assert answer.tensors == [expected[tensor.tflite_index] for tensor in tensors]


def test_its_profiler_tells_of_every_op(checkout: Path, tmp_path: Path) -> None:
    found = profile_model(MODEL, M4, draw_windows(MODEL, 1), tmp_path, Tflm(checkout))
    assert (found.runtime, found.unit) == ("tflm", "instructions")
    assert [(step.name, step.ops) for step in found.steps] == [
        (op.name, [op.index]) for op in MODEL.ops
    ]
    assert 0 < found.steps_taken < found.taken
    # The stand-in's work: so many instructions an output byte and input.
    taken = {step.step: step.taken for step in found.steps}
    sizes = {op.index: MODEL.tensors[op.outputs[0]].bytes for op in MODEL.ops}
    assert max(taken, key=taken.__getitem__) == max(sizes, key=sizes.__getitem__)
    assert taken[1] / sizes[1] == pytest.approx(taken[3] / sizes[3], rel=0.1)


def test_a_library_without_its_profiler_says_so(tmp_path: Path) -> None:
    checkout = stand_in_checkout(tmp_path / "tflite-micro")
    build_stand_in(checkout, need(M4), "m4_release", define="TF_LITE_STRIP_ERROR_STRINGS")
    with pytest.raises(InputError, match="has no profiler in it") as raised:
        profile_model(MODEL, M4, draw_windows(MODEL, 1), tmp_path / "out", Tflm(checkout))
    assert "release_with_logs" in raised.value.remedy


def test_what_the_library_complains_of_is_told(tmp_path: Path) -> None:
    checkout = stand_in_checkout(tmp_path / "tflite-micro")
    build_stand_in(checkout, need(M4), "m4_default", define="STAND_IN_REFUSES=200")
    message = "TFLM does not take it: no kernel is registered for op code 200"
    with pytest.raises(InputError, match=message):
        Tflm(checkout).build(MODEL, M4, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_compiler_without_a_cxx_library_is_told(tmp_path: Path) -> None:
    """As where libstdc++ is not installed: TFLM's headers include some that are not there."""
    checkout = stand_in_checkout(tmp_path / "tflite-micro")
    build_stand_in(checkout, need(M4), "m4_default")
    header = checkout / "tensorflow/lite/c/common.h"
    header.write_text("#include <no_such_header>\n" + header.read_text())
    with pytest.raises(DeviceError, match="has no C\\+\\+ library") as raised:
        Tflm(checkout).build(MODEL, M4, tmp_path / "out")
    assert "libstdc++-arm-none-eabi-newlib" in raised.value.remedy


def test_evaluate_judges_it_as_it_judges_ours(checkout: Path, tmp_path: Path) -> None:
    """The stand-in computes something else than TFLM, and that is what the verdict says."""
    need_oracle()
    np.savez(tmp_path / "in.npz", **{"0": draw_windows(MODEL, 2)[0]})
    answer = midfuse("evaluate", MODEL.path, f"--board={M4.name}", "--runtime=tflm",
                     f"--tflm={checkout}", f"--inputs={tmp_path / 'in.npz'}",
                     f"--out={tmp_path}", "--json")  # fmt: skip
    assert answer.exit_code == 1, answer.output
    data = json.loads(answer.stdout)
    assert data["runtime"] == "tflm"
    assert data["differing_bytes"] > 0
    assert "differ from tflite-micro" in answer.stderr
    assert data["arena_bytes"] == stand_in_arena(MODEL)


def test_bench_measures_both_kinds_of_library_beside_ours(tmp_path: Path) -> None:
    need_oracle()
    checkout = stand_in_checkout(tmp_path / "tflite-micro")
    build_stand_in(checkout, need(M4), "m4_default")
    build_stand_in(checkout, M4, "m4_default_cmsis_nn", cmsis_nn=True)
    arguments = ("bench", MODEL.path, f"--board={M4.name}", "--inferences=1",
                 f"--out={tmp_path / 'out'}", f"--tflm={checkout}")  # fmt: skip
    answer = midfuse(*arguments)
    assert answer.exit_code == 1, answer.output
    assert "output bytes of TFLM differ from tflite-micro" in answer.stderr
    data = json.loads((tmp_path / "out/bench.json").read_text())
    assert data["how_others_were_measured"] == "measured in the same run"
    (cell,) = data["cells"]
    assert cell["differing_bytes"] == 0
    assert list(cell["runtimes"]) == ["TFLM", "TFLM + CMSIS-NN"]
    for name, figures in cell["runtimes"].items():
        assert figures["arena_bytes"] == stand_in_arena(MODEL)
        assert figures["arena_bytes"] < figures["ram_bytes"]
        assert figures["instructions"] > 100_000
        assert cell["runtimes_differing_bytes"][name] > 0
        assert name in answer.stdout
    build_stand_in(checkout, M4, "m4_release")
    assert "two libraries of tflm are for qemu-mps2-an386" in midfuse(*arguments).stderr
    # None for this core.
    answer = midfuse(*arguments[:2], f"--board={M0.name}", *arguments[3:])
    assert answer.exit_code == 2
    assert "CPU_arch is v7E-M, the board's v6S-M" in answer.stderr


@pytest.mark.skipif(
    TFLM_VARIABLE not in os.environ,
    reason=f"{TFLM_VARIABLE} names no checkout of tflite-micro built for a Cortex-M4F",
)
def test_tflm_itself_gives_the_bytes_of_its_interpreter_on_the_host(tmp_path: Path) -> None:
    need_oracle()
    libraries = fitting_libraries(Path(os.environ[TFLM_VARIABLE]), need(M4))
    assert libraries
    inputs = draw_windows(MODEL, 4)
    for library in libraries:
        build = library.archive.parent.parent
        found, _ = evaluate_model(MODEL, M4, inputs, tmp_path, Tflm(build), per_op=True)
        assert (found.runtime, found.differing_bytes) == (library.runtime, 0)
        assert found.per_op is not None
        assert [row.differing_bytes for row in found.per_op] == [0] * len(MODEL.ops)
        profile = profile_model(MODEL, M4, inputs, tmp_path, Tflm(build))
        assert abs(profile.difference) < 0.02
