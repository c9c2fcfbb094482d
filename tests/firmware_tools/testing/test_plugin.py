"""The plugin in a pytest run of its own, as a user's project would have it."""

import re
import shlex
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from firmware_tools.board.registry import read_board
from firmware_tools.emulate.boot import emulator_for
from firmware_tools.flash.flow import flash_image
from firmware_tools.flash.gdb import GdbRemote
from firmware_tools.runtimes.midfuse import build_firmware
from midfuse.core.oracle import run_windows, write_expected
from midfuse.core.tflite_file import read_tflite
from tests.firmware_tools.flash.gdb_line import halted_board
from tests.firmware_tools.stand_in import build_stand_in, stand_in_checkout, stand_in_tensors
from tests.support.paths import DATA, DOCS

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
MODEL = DATA / "transformer_relu_int8.tflite"
PAGE = DOCS / "hardware-in-the-loop.md"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A model, and a recording of 20 windows, 15 of them labelled right."""
    shutil.copy(MODEL, pytester.path / "student_int8.tflite")
    model = read_tflite(MODEL)
    random = np.random.default_rng(2)
    inputs = [
        random.integers(-128, 128, (20, *model.tensors[index].shape), dtype=np.int8)
        for index in model.inputs
    ]
    expected = run_windows(model, inputs)
    labels = expected[0].reshape(20, -1).argmax(axis=1)
    labels[:5] += 1
    write_expected(pytester.path / "expected.npz", model, inputs, expected, labels)
    return pytester


@pytest.fixture
def tests(project: pytest.Pytester) -> pytest.Pytester:
    """With tests of it: the second and the last one fail."""
    project.makepyfile(
        """
        import numpy as np
        import pytest

        DATA = np.load("expected.npz")
        INPUTS = [DATA["0"], DATA["1"]]

        @pytest.fixture
        def model(midfuse_board):
            return midfuse_board.load("student_int8.tflite")

        def test_good_enough(model):
            found = model.assert_accuracy(INPUTS, DATA["labels"], at_least=0.75)
            assert (found.right, found.windows, found.share) == (15, 20, 0.75)

        def test_too_bad(model):
            model.assert_accuracy(DATA, DATA["labels"].tolist(), at_least=0.8)

        def test_bytes(model):
            assert np.array_equal(model.run(INPUTS)[0], DATA["output_0"])
            model.assert_same_bytes(INPUTS)

        def test_labels_are_looked_at_first(model):
            model.assert_accuracy(INPUTS, DATA["labels"][:7], at_least=0)
        """
    )
    return project


def properties(report: Path) -> dict[str, dict[str, str]]:
    """Each test's properties in a JUnit report."""
    return {
        case.attrib["name"]: {
            each.attrib["name"]: each.attrib["value"] for each in case.iter("property")
        }
        for case in ElementTree.parse(report).iter("testcase")
    }


@pytest.mark.parametrize("board", ["native", "qemu-mps2-an386"])
def test_a_board_for_a_user_s_tests(tests: pytest.Pytester, board: str) -> None:
    if board != "native" and not (
        shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")
    ):
        pytest.skip("the emulated board's tools are not installed")
    result = tests.runpytest_subprocess("--midfuse-board", board, "--junitxml", "report.xml")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            f"midfuse: {board}",
            f"*accuracy on {board} is 0.7500 (0.5313 to 0.8881 at 95 %; 15 of 20),"
            " wanted at least 0.8*",
            "*the test's arrays: labels: int64 of shape (7,); give one integer a window, (20,)*",
            "*test_good_enough: 0.7500 (0.5313 to 0.8881 at 95 %), 20 windows, 0 differing bytes*",
        ]
    )
    found = properties(tests.path / "report.xml")
    good = found["test_good_enough"]
    assert good["midfuse_board"] == board
    assert good["midfuse_model_sha256"] == read_tflite(MODEL).sha256
    assert good["midfuse_windows"] == "20"
    assert good["midfuse_accuracy"] == "0.75"
    assert good["midfuse_accuracy_low"].startswith("0.5312")
    assert good["midfuse_accuracy_high"].startswith("0.8881")
    assert good["midfuse_differing_bytes"] == "0"
    # A failed test says as much, and the second test has found the first one's image.
    assert found["test_too_bad"].items() >= {"midfuse_accuracy": "0.75"}.items()
    if board == "native":
        assert "midfuse_ram_bytes" not in good
        assert float(good["midfuse_nanoseconds_per_inference"]) > 0
    else:
        # Counts under emulation are the same in every run.
        assert good == found["test_too_bad"]
        assert 1e6 < float(good["midfuse_instructions_per_inference"]) < 3e6
        assert 5_000 < int(good["midfuse_ram_bytes"]) < 20_000 < int(good["midfuse_flash_bytes"])


@pytest.fixture
def two_models(project: pytest.Pytester) -> pytest.Pytester:
    shutil.copy(DATA / "cnn_har_int8.tflite", project.path / "other.tflite")
    project.makepyfile(
        """
        import numpy as np

        def test_bytes(midfuse_board):
            model = midfuse_board.load("student_int8.tflite")
            model.assert_same_bytes(np.load("expected.npz"))

        def test_another(midfuse_board):
            model = midfuse_board.load("other.tflite")
            tensor = model.model.tensors[model.model.inputs[0]]
            model.assert_same_bytes(np.zeros((1, *tensor.shape), np.int8))
        """
    )
    return project


def test_the_model_of_a_board_that_runs_already(two_models: pytest.Pytester) -> None:
    native = read_board("native")
    image = build_firmware(read_tflite(MODEL), native, two_models.path / "running")
    with emulator_for(native).boot(image.elf) as running:
        result = two_models.runpytest_subprocess(
            "--midfuse-board", "native", f"--midfuse-port={running.port}"
        )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*DeviceError: *another model is on the board*"])


def test_a_board_that_has_to_be_flashed(
    two_models: pytest.Pytester, hardware: str, tmp_path: Path
) -> None:
    """By GDB into a QEMU machine, which stands in for the board behind port and probe."""
    file = read_board(hardware).folder / "board.toml"
    before, gdb = file.read_text(encoding="utf-8").split('[[flash]]\nbackend = "openocd"')
    file.write_text(before + gdb[gdb.index("[[flash]]") :], encoding="utf-8")
    board = read_board(hardware)
    image = build_firmware(read_tflite(MODEL), board, tmp_path / "first")
    with halted_board("mps2-an386", tmp_path) as halted:
        flash_image(image, board, GdbRemote(board), probe=halted.endpoint)
        writes = []

        def count(number: int, packet: bytes) -> bytes:
            writes.append(number)
            return packet

        halted.spoil = count
        result = two_models.runpytest_subprocess(
            *("--midfuse-board", hardware, f"--midfuse-port={halted.port}"),
            *("--midfuse-probe", halted.endpoint),
        )
    result.assert_outcomes(passed=2)
    # The first test's model was there already; the packets are counted anew for each image.
    assert writes.count(writes[0]) == 1


def test_over_tflm(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in for TFLM on native."""
    checkout = stand_in_checkout(tmp_path / "tflite-micro")
    build_stand_in(checkout, read_board("native"), "default")
    monkeypatch.setenv("MIDFUSE_TFLM", str(checkout))
    model = read_tflite(DATA / "cnn_har_int8.tflite")
    window = np.full((1, *model.tensors[model.inputs[0]].shape), 3, np.int8)
    np.save(pytester.path / "window.npy", window)
    (expected,) = [stand_in_tensors(model, [window[0]])[index] for index in model.outputs]
    pytester.makepyfile(
        f"""
        import numpy as np

        def test_it(midfuse_board):
            model = midfuse_board.load({str(model.path)!r})
            assert model.run(np.load("window.npy"))[0].tobytes() == {expected!r}
        """
    )
    options = ("--midfuse-board", "native", "--midfuse-runtime", "tflm", "--junitxml", "report.xml")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1)
    assert properties(pytester.path / "report.xml")["test_it"]["midfuse_runtime"] == "tflm"


def test_without_a_board_they_are_skipped(tests: pytest.Pytester) -> None:
    result = tests.runpytest_inprocess("-rs")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["*needs a board: pytest --midfuse-board NAME*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--midfuse-board nativ", "*no board 'nativ'; near names: native*"),
        ("--midfuse-port /dev/ttyACM0", "*say which board it is with --midfuse-board*"),
        ("--midfuse-board native --midfuse-runtime tflm", "*MIDFUSE_TFLM names no checkout*"),
        ("--midfuse-board native --midfuse-probe 1", "*where the board answers*"),
        ("--midfuse-board native --midfuse-port /dev/null", "*write --midfuse-port=/dev/null, or*"),
        ("--midfuse-board native --midfuse-port x -n 2", "*2 workers, one board*"),
        ("--midfuse-board nucleo-f446re", "*nucleo-f446re is not emulated; add --midfuse-port*"),
    ],
)
def test_wrong_use(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: str, said: str
) -> None:
    monkeypatch.delenv("MIDFUSE_TFLM", raising=False)
    result = pytester.runpytest_inprocess(*options.split())
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_the_docs_example_runs(project: pytest.Pytester) -> None:
    """The page's test and its command, as they stand there, on native for want of the board."""
    page = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(# test_board\.py\n.*?)^```", page, re.M | re.S)
    (line,) = re.findall(r"^pytest (.*--junitxml.*)$", page, re.M)
    assert len([each for each in example.splitlines()[1:] if each]) == 5
    (project.path / "test_board.py").write_text(example, encoding="utf-8")
    arguments = shlex.split(line)
    board = arguments.index("--midfuse-board") + 1
    arguments[board] = "native"
    arguments += ["-W", "error::pytest.PytestWarning"]
    project.runpytest_subprocess(*arguments).assert_outcomes(passed=1)
    report = arguments[arguments.index("--junitxml") + 1]
    (found,) = properties(project.path / report).values()
    shown = set(re.findall(r"^\| `(midfuse_\w+)`", page, re.M))
    of_a_chip = {"midfuse_instructions_per_inference", "midfuse_ram_bytes", "midfuse_flash_bytes"}
    assert set(found) == shown - of_a_chip


def test_other_runs_import_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert not {"numpy", "serial", "pydantic", "click"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)
