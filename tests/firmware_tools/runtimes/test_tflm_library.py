"""Which of the libraries in a checkout is for a board, and what is said where there is none."""

import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import FIRMWARE, RUNTIME, Board, read_board
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.image.elf import CXX_FLAGS
from firmware_tools.runtimes.tflm.generate import op_methods, write_header
from firmware_tools.runtimes.tflm.library import ARCHIVE, RESOLVER, Library, find_library
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.tflite_file import read_tflite
from tests.firmware_tools.stand_in import DEFINES, build_stand_in, stand_in_checkout
from tests.support.paths import DATA

CNN = DATA / "cnn_har_int8.tflite"
M4, M3, M0 = (read_board(f"qemu-mps2-{name}") for name in ("an386", "an385", "an385-m0"))

needs_cross_compiler = pytest.mark.skipif(
    shutil.which("arm-none-eabi-g++") is None, reason="arm-none-eabi-g++ is not installed"
)


def soft_float(board: Board) -> Board:
    """The board's core, built for without its FPU: TARGET_ARCH=cortex-m4 instead of +fp."""
    flags = ["-mcpu=cortex-m4+nofp", "-mthumb", "-mfloat-abi=soft"]
    toolchain = board.toolchain.model_copy(update={"cpu_flags": flags})
    return board.model_copy(update={"toolchain": toolchain})


def library_in(root: Path, archive: str = ARCHIVE) -> Library:
    """Reference kernels, no compression."""
    return Library(root, root / archive, cmsis_nn=False, compression=False)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For a Cortex-M4F, with and without CMSIS-NN, and for a Cortex-M3."""
    folder = stand_in_checkout(tmp_path_factory.mktemp("checkouts") / "tflite-micro")
    build_stand_in(folder, M4, "m4_default")
    build_stand_in(folder, M4, "m4_default_cmsis_nn", cmsis_nn=True)
    build_stand_in(folder, M3, "m3_default")
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A checkout in which nothing is built."""
    return stand_in_checkout(tmp_path / "tflite-micro")


@needs_cross_compiler
def test_the_library_for_the_core_is_found(checkout: Path) -> None:
    found = find_library(checkout, M3)
    assert found == Library(
        checkout, checkout / f"gen/m3_default/lib/{ARCHIVE}", cmsis_nn=False, compression=False
    )
    assert found.runtime == "tflm"
    assert all(folder.is_dir() for folder in (found.root, found.include_dirs[-1]))
    named = find_library(checkout / "gen/m4_default_cmsis_nn", M4)
    assert (named.root, named.runtime) == (checkout, "tflm-cmsis-nn")


@needs_cross_compiler
def test_several_for_a_core_are_named(checkout: Path) -> None:
    with pytest.raises(InputError) as raised:
        find_library(checkout, M4)
    assert "qemu-mps2-an386 (m4_default, m4_default_cmsis_nn)" in str(raised.value)
    assert raised.value.remedy == "name one of these folders as `tflm`"


@needs_cross_compiler
def test_a_library_for_another_core_is_told_from_its_elf_attributes(
    checkout: Path, empty: Path
) -> None:
    with pytest.raises(InputError, match="CPU_arch is v7, the board's v6S-M") as raised:
        find_library(checkout / "gen/m3_default", M0)
    assert "TARGET=cortex_m_generic TARGET_ARCH=cortex-m0 microlite" in raised.value.remedy
    build_stand_in(empty, soft_float(M4), "m4_soft")
    with pytest.raises(InputError, match="FP_arch is none, the board's VFPv4-D16") as raised:
        find_library(empty, M4)
    assert "TARGET_ARCH=cortex-m4+fp microlite" in raised.value.remedy
    host = read_board("native")
    with pytest.raises(InputError, match="Class is ELF32, the board's ELF64"):
        find_library(checkout, host)


def test_what_is_no_build_of_tflm_is_told_apart(empty: Path, tmp_path: Path) -> None:
    board = read_board("native")
    with pytest.raises(InputError, match="no such folder"):
        find_library(tmp_path / "none", board)
    with pytest.raises(InputError, match=f"no checkout of tflite-micro .{RESOLVER}") as raised:
        find_library(tmp_path, board)
    assert "git clone https://github.com/tensorflow/tflite-micro" in raised.value.remedy
    with pytest.raises(InputError, match=f"no {ARCHIVE} is built in it") as raised:
        find_library(empty, board)
    assert f"in {empty}, run `make -f tensorflow/lite/micro/tools/make" in raised.value.remedy
    archive = empty / f"gen/linux_x86_64_default/lib/{ARCHIVE}"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"!<arch>\nnot really")
    with pytest.raises(InputError, match=f"{ARCHIVE}: no library"):
        find_library(empty, board)
    shutil.rmtree(empty / "tensorflow/lite/micro/tools")
    with pytest.raises(InputError, match=r"flatbuffers\.h is missing") as raised:
        find_library(empty, board)
    assert "third_party_downloads" in raised.value.remedy


@needs_cross_compiler
def test_the_compiler_that_the_makefile_fetched_is_taken(checkout: Path, empty: Path) -> None:
    found = find_library(checkout, M3)
    assert found.compiler_for(M3) == M3
    folder = empty / "tensorflow/lite/micro/tools/make/downloads/gcc_embedded/bin"
    folder.mkdir(parents=True)
    for name in ("gcc", "g++", "objcopy", "size"):
        program = shutil.which(M3.toolchain.program(name))
        assert program is not None
        (folder / M3.toolchain.program(name)).symlink_to(program)
    there = replace(found, root=empty).compiler_for(M3)
    assert there.toolchain.program("gcc") == str(folder / "arm-none-eabi-gcc")
    require_toolchain(there)
    host = read_board("native")
    assert replace(found, root=empty).compiler_for(host) == host


def test_a_missing_cxx_compiler_is_one_line(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_stand_in(empty, read_board("native"), "linux_x86_64_default")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("gcc", "as", "objcopy", "size", "readelf"):
        program = shutil.which(name)
        assert program is not None
        (programs / name).symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
    answer = CliRunner().invoke(main, ["build", str(CNN), "--board=native", "--runtime=tflm",
                                       f"--tflm={empty}", f"--out={tmp_path / 'out'}"])  # fmt: skip
    assert answer.exit_code == 3, answer.output
    assert answer.stderr == (
        "error: g++, which TFLM's headers are for, is not installed; install the C++ compiler that"
        " goes with gcc\n"
    )


def test_only_the_models_kinds_of_op_are_registered(empty: Path) -> None:
    library = library_in(empty)
    assert op_methods(read_tflite(CNN), library) == [
        *("AddReshape", "AddConv2D", "AddMaxPool2D", "AddMean", "AddFullyConnected"),
        "AddSoftmax",
    ]
    transformer = op_methods(read_tflite(DATA / "transformer_relu_int8.tflite"), library)
    assert {"AddBatchMatMul", "AddConcatenation", "AddAdd"} < set(transformer)


@pytest.mark.parametrize("name", ["GELU", "CUSTOM", "BUILTIN"])
def test_an_op_without_a_kernel_is_named(name: str, empty: Path) -> None:
    model = read_tflite(CNN)
    ops = [*model.ops[:3], replace(model.ops[3], name=name), *model.ops[4:]]
    library = library_in(empty)
    with pytest.raises(InputError, match=rf"op 3 \({name}\): the TFLM in .* has no kernel for it"):
        op_methods(replace(model, ops=ops), library)


def test_options_that_do_not_go_together_are_one_line(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIDFUSE_TFLM", raising=False)
    build = ["build", str(CNN), "--board=native", f"--out={tmp_path / 'out'}"]
    for options, message in (
        ([f"--tflm={empty}"], "--tflm: the runtime is midfuse; add --runtime tflm"),
        (["--runtime=tflm"], "--runtime tflm: no folder; name a checkout of tflite-micro"),
        (
            ["--runtime=tflm", f"--tflm={empty}", "--report"],
            "--report works only with",
        ),
        (
            ["--runtime=tflm", f"--tflm={empty}", "--source-only"],
            "--source-only works only",
        ),
        (["--runtime=tflm", f"--tflm={empty}"], f"no {ARCHIVE} is built in it"),
    ):
        answer = CliRunner().invoke(main, [*build, *options])
        assert answer.exit_code == 2, answer.output
        (line,) = (line for line in answer.stderr.splitlines() if line.startswith("error: "))
        assert message in line
    monkeypatch.setenv("MIDFUSE_TFLM", str(empty))
    assert f"{empty}: no {ARCHIVE}" in CliRunner().invoke(main, [*build, "--runtime=tflm"]).stderr
    assert not (tmp_path / "out").exists()


def test_the_adapter_asks_for_what_tflm_has(empty: Path, tmp_path: Path) -> None:
    """Symbol for symbol, and so signature for signature, in the TFLM that we compare with."""
    tflite_micro = pytest.importorskip("tflite_micro", reason="its wheel is for x86-64 Linux")
    runtime = next(Path(tflite_micro.__file__).parent.rglob("_runtime.so"), None)
    if runtime is None or platform.machine() != "x86_64":
        pytest.skip("a tflite-micro without the C++ runtime")
    methods = op_methods(read_tflite(CNN), library_in(empty))
    write_header(tmp_path, read_tflite(CNN), methods, observable=True)
    includes = [f"-I{path}" for path in (empty, FIRMWARE, RUNTIME, tmp_path)]
    asked: set[str] = set()
    for name in ("interpreter", "probe"):
        built = tmp_path / f"{name}.o"
        source = FIRMWARE / f"tflm/{name}.cc"
        subprocess.run(
            ["g++", *CXX_FLAGS, *DEFINES, *includes, "-c", source, "-o", built], check=True
        )
        asked |= symbols("--undefined-only", built)
    ours = {symbol for symbol in asked if "6tflite" in symbol}
    assert any("16MicroInterpreterC1E" in symbol for symbol in ours)
    assert len(ours) >= 9
    assert not ours - symbols("--defined-only", runtime)


def symbols(which: str, path: Path) -> set[str]:
    done = subprocess.run(["nm", which, path], capture_output=True, text=True, check=True)
    return {line.split()[-1] for line in done.stdout.splitlines()}
