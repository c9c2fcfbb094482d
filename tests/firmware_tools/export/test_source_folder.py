"""The folder of C that `midfuse build --source-only` writes: it compiles without us, for anybody,
two models at a time, and answers with TFLM's bytes."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import RUNTIME, read_board
from firmware_tools.export.source_folder import weak_kernel, write_source
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.numeric import dequantise, quantise
from midfuse.core.tflite_file import parse_tflite, read_tflite
from tests.support.paths import DATA

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.boards.conftest import need
from tests.support.core_build import HARNESS, run_program
from tests.support.host_build import random_windows, run_oracle

CNN, TRANSFORMER = DATA / "cnn_har_int8.tflite", DATA / "transformer_ln_int8.tflite"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
HOST_COMPILERS = {
    "C": ["gcc", "-std=c99"],
    "C++": ["g++", "-x", "c++", "-std=c++11"],
}

# Both models in turn over standard input, window after window.
TWO_MODELS = """
#include <stdio.h>
#include "mf_model_cnn_har_int8.h"
#include "mf_model_transformer_ln_int8.h"

static int window(const mf_model *model)
{
    for (uint16_t i = 0; i < model->input_count; i++) {
        if (fread(model->inputs[i].data, 1, model->inputs[i].bytes, stdin) == 0) {
            return 0;
        }
    }
    mf_invoke(model);
    for (uint16_t i = 0; i < model->output_count; i++) {
        fwrite(model->outputs[i].data, 1, model->outputs[i].bytes, stdout);
    }
    return 1;
}

int main(void)
{
    while (window(&mf_model_cnn_har_int8) && window(&mf_model_transformer_ln_int8)) {
    }
    return 0;
}
"""

# Codes of the floats in standard input, and the floats that they stand for.
REAL_NUMBERS = """
#include <stdio.h>
#include "mf_real.h"

int main(int argc, char **argv)
{
    int32_t code = 0;
    const mf_tensor tensor = {"t", &code, 4, {1}, 1, DTYPE, 0, SCALE, ZERO};
    for (float real; fread(&real, sizeof real, 1, stdin) == 1;) {
        mf_write_real(&tensor, 0, real);
        float back = mf_read_real(&tensor, 0);
        int32_t narrow = DTYPE == MF_INT8 ? *(int8_t *)tensor.data : *(int16_t *)tensor.data;
        int32_t read = DTYPE == MF_INT32 ? code : narrow;
        fwrite(&read, sizeof read, 1, stdout);
        fwrite(&back, sizeof back, 1, stdout);
    }
    (void)argv;
    return argc < 0;
}
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("source")
    for path in (CNN, TRANSFORMER):
        write_source(read_tflite(path), out / path.stem)
    return [out / path.stem for path in (CNN, TRANSFORMER)]


def sources(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*.c"))


@pytest.mark.parametrize("language", HOST_COMPILERS)
def test_two_models_in_one_program(language: str, folders: list[Path], tmp_path: Path) -> None:
    if shutil.which(HOST_COMPILERS[language][0]) is None:
        pytest.skip(f"{HOST_COMPILERS[language][0]} is not installed")
    (tmp_path / "main.c").write_text(TWO_MODELS)
    program = tmp_path / "program"
    files = [str(tmp_path / "main.c"), *sources(folders[0]), *sources(folders[1])]
    includes = [f"-I{folder}" for folder in folders]
    command = [*HOST_COMPILERS[language], *WARNINGS, "-O1", *includes, *files]
    subprocess.run([*command, "-o", str(program)], check=True)
    assert run_two(program) == two_oracles()


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_a_cxx_caller_of_c(folders: list[Path], tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(TWO_MODELS)
    includes = [f"-I{folder}" for folder in folders]
    for folder in folders:
        (tmp_path / folder.name).mkdir()
        command = ["gcc", "-std=c99", *WARNINGS, f"-I{folder}", "-c", *sources(folder)]
        subprocess.run(command, check=True, cwd=tmp_path / folder.name)
    objects = sorted(str(path) for path in tmp_path.glob("*/*.o"))
    program = tmp_path / "program"
    command = ["g++", *WARNINGS, *includes, str(tmp_path / "main.cpp"), *objects]
    subprocess.run([*command, "-o", str(program)], check=True)
    assert run_two(program) == two_oracles()


def two_windows() -> list[tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]]:
    rng = np.random.default_rng(3)
    return list(
        zip(*(random_windows(read_tflite(path), 10, rng) for path in (CNN, TRANSFORMER)),
            strict=True)
    )  # fmt: skip


def run_two(program: Path) -> bytes:
    stream = b"".join(
        values.tobytes() for windows in two_windows() for window in windows for values in window
    )
    answer = subprocess.run([str(program)], input=stream, stdout=subprocess.PIPE, check=True)
    return answer.stdout


def two_oracles() -> bytes:
    models = [read_tflite(path) for path in (CNN, TRANSFORMER)]
    return b"".join(
        run_oracle(model, [window], observable=False).tobytes()
        for windows in two_windows()
        for model, window in zip(models, windows, strict=True)
    )


@pytest.mark.parametrize("language", HOST_COMPILERS)
def test_the_example_runs_as_its_readme_says(
    language: str, folders: list[Path], tmp_path: Path
) -> None:
    if shutil.which(HOST_COMPILERS[language][0]) is None:
        pytest.skip(f"{HOST_COMPILERS[language][0]} is not installed")
    folder = shutil.copytree(folders[0], tmp_path / "folder")
    (said,) = re.findall(r"^cc (.*) -o try && ./try$", (folder / "README.md").read_text(), re.M)
    assert (folder / "example" / "example.c").read_text().count("\n") < 30
    compiler = " ".join([*HOST_COMPILERS[language], *WARNINGS])
    subprocess.run(f"{compiler} {said} -o try", shell=True, check=True, cwd=folder)
    answer = subprocess.run(["./try"], capture_output=True, text=True, check=True, cwd=folder)
    model = read_tflite(CNN)
    given, output = (model.tensors[index] for index in (*model.inputs, *model.outputs))
    zeros = quantise(np.zeros(given.elements), given.scale, given.zero_point)
    codes = run_oracle(model, [[zeros]], observable=False)
    reals = dequantise(codes.view(np.int8), output.scale, output.zero_point)
    name = model.output_names[0]
    assert answer.stdout.splitlines() == [f"{name}[{i}] = {v:g}" for i, v in enumerate(reals)]


def symbols(whole: Path) -> dict[str, str]:
    """The global symbols of an object file and their kinds, as nm names them."""
    command = ["arm-none-eabi-nm", "-g", str(whole)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {words[-1]: words[-2] for line in listing.splitlines() if (words := line.split())}


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)
def test_no_libc_on_a_cortex_m4(folders: list[Path], tmp_path: Path) -> None:
    """What the objects leave to the linker: memcpy, memset and the compiler's own arithmetic."""
    flags = ["-mcpu=cortex-m4", "-mthumb", "-O2", "-std=c99", "-ffreestanding", "-nostdlib"]
    whole = tmp_path / "whole.o"
    files = [*sources(folders[0]), *sources(folders[1])]
    command = ["arm-none-eabi-gcc", *flags, *WARNINGS, "-r", *files, "-o", str(whole)]
    subprocess.run(command, check=True)
    kinds = symbols(whole)
    undefined = {name for name, kind in kinds.items() if kind == "U"}
    assert {n for n in undefined if not n.startswith("__aeabi_")} <= {"memcpy", "memset"}
    assert {name for name, kind in kinds.items() if kind not in "UW"} == {
        "mf_model_cnn_har_int8",
        "mf_model_transformer_ln_int8",
    }


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)
def test_every_kernel_goes_into_a_folder(tmp_path: Path) -> None:
    """Those that no model here calls, too: weak, without libc, and C++ as well."""
    for kernel in sorted(RUNTIME.glob("*.c")):
        (tmp_path / kernel.name).write_text(weak_kernel(kernel))
    flags = ["-mcpu=cortex-m4", "-mthumb", "-O2", "-ffreestanding", *WARNINGS, f"-I{RUNTIME}"]
    command = ["arm-none-eabi-gcc", "-std=c99", *flags, "-nostdlib", "-r", *sources(tmp_path)]
    subprocess.run([*command, "-o", "whole.o"], check=True, cwd=tmp_path)
    kinds = symbols(tmp_path / "whole.o")
    assert {kind for kind in kinds.values() if kind != "U"} == {"W"}
    undefined = {name for name, kind in kinds.items() if kind == "U"}
    assert {n for n in undefined if not n.startswith("__aeabi_")} <= {"memcpy", "memset"}
    command = ["arm-none-eabi-g++", "-x", "c++", "-std=c++11", *flags, "-fsyntax-only"]
    subprocess.run([*command, *sources(tmp_path)], check=True)


@pytest.mark.parametrize("path", [CNN, TRANSFORMER], ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["qemu-mps2-an386", "qemu-mps3-an547"])
def test_kernels_for_a_core(path: Path, name: str, tmp_path: Path) -> None:
    """Its own kernels are in the folder, answer as TFLM does, and are weak."""
    board = need(read_board(name))
    model = read_tflite(path)
    written = write_source(model, tmp_path / "source", board=board)
    files = sources(tmp_path / "source")
    assert any(file.endswith(("_dsp.c", "_mve.c")) for file in files)
    flags = [*board.toolchain.cpu_flags, *WARNINGS, "-O2", f"-I{tmp_path / 'source'}"]
    linked = [*files, *map(str, HARNESS), f"-Dmf_the_model={written.symbol}", *flags]
    windows = random_windows(model, 5, np.random.default_rng(4))
    ours = run_program(board, linked, windows, tmp_path)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=False))
    command = [board.toolchain.program("gcc"), "-std=c99", *flags, "-nostdlib", "-r"]
    subprocess.run([*command, *files, "-o", str(tmp_path / "whole.o")], check=True)
    kinds = symbols(tmp_path / "whole.o")
    assert {symbol for symbol, kind in kinds.items() if kind not in "UWV"} == {written.symbol}


@pytest.mark.parametrize(
    ("dtype", "scale", "zero"),
    [("MF_INT8", 0.0335840471, -7), ("MF_INT16", 0.25, 0), ("MF_INT32", 1.0, 0)],
)
def test_real_numbers_are_the_hosts(dtype: str, scale: float, zero: int, tmp_path: Path) -> None:
    limits = np.iinfo(dtype.removeprefix("MF_").lower())
    low, high = int(limits.min), int(limits.max)
    (tmp_path / "real.c").write_text(REAL_NUMBERS)
    defines = [f"-DDTYPE={dtype}", f"-DSCALE={scale}f", f"-DZERO={zero}", f"-I{RUNTIME}"]
    sanitize = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
    command = ["gcc", "-std=c99", *WARNINGS, *sanitize, *defines, "real.c", "-o", "real"]
    subprocess.run(command, check=True, cwd=tmp_path)
    step = np.float32(scale)
    rng = np.random.default_rng(5)
    reals = np.concatenate(
        [
            rng.uniform(2 * low * step, 2 * high * step, 20_000).astype(np.float32),
            (np.arange(-600, 600) + np.float32(0.5)) * step,  # ties
            np.array([0, -0.0, 1e38, -1e38, np.inf, -np.inf]),
        ]
    ).astype(np.float32)
    done = subprocess.run(
        [str(tmp_path / "real")], input=reals.tobytes(), stdout=subprocess.PIPE, check=True
    )
    answer = np.frombuffer(done.stdout, np.dtype([("code", np.int32), ("real", np.float32)]))
    codes = quantise(reals, step, zero, dtype.removeprefix("MF_").lower())
    np.testing.assert_array_equal(answer["code"], codes)
    np.testing.assert_array_equal(answer["real"], dequantise(codes, step, zero))


@pytest.mark.parametrize("name", ["1-d cnn.tflite", "int.tflite", "mf.kernels.tflite", "Ü*.tflite"])
def test_any_file_name_makes_a_c_name(name: str, tmp_path: Path) -> None:
    model = parse_tflite(CNN.read_bytes(), Path(name))
    written = write_source(model, tmp_path)
    command = ["gcc", "-std=c99", *WARNINGS, "-I.", *sources(tmp_path), "example/example.c"]
    subprocess.run([*command, "-fsyntax-only"], check=True, cwd=tmp_path)
    assert re.fullmatch(r"mf_model_\w+", written.symbol, re.ASCII)


def test_the_same_model_gives_the_same_files(folders: list[Path], tmp_path: Path) -> None:
    write_source(read_tflite(CNN), tmp_path)
    names = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    assert names == {path.relative_to(folders[0]) for path in folders[0].rglob("*")}
    for name in names:
        if (tmp_path / name).is_file():
            assert (tmp_path / name).read_bytes() == (folders[0] / name).read_bytes()


def test_models_of_two_versions_do_not_compile_together(
    folders: list[Path], tmp_path: Path
) -> None:
    other = shutil.copytree(folders[1], tmp_path / "other")
    header = other / "mf_model_transformer_ln_int8.h"
    header.write_text(re.sub(r"0x[0-9a-f]{8}", "0x00000001", header.read_text()))
    (tmp_path / "main.c").write_text(TWO_MODELS)
    command = ["gcc", "-fsyntax-only", f"-I{folders[0]}", f"-I{other}", str(tmp_path / "main.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "different versions of the kernels" in done.stderr


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = CliRunner().invoke(
        main, ["build", str(CNN), "--source-only", "--out", str(out), "--json"]
    )
    assert answer.exit_code == 0
    said = json.loads(answer.stdout)
    assert said["symbol"] == "mf_model_cnn_har_int8"
    assert {Path(name) for name in said["files"]} == {p for p in out.rglob("*") if p.is_file()}
    assert f"RAM: {said['arena_bytes']} bytes" in (out / "README.md").read_text()
    again = CliRunner().invoke(main, ["build", str(CNN), "--source-only", "--out", str(out)])
    assert again.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source-only", "--board", "natve"], "error: no board 'natve'; near names: native"),
        ([], "error: --board is missing; name one of"),
    ],
)
def test_a_board_or_source(arguments: list[str], message: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = CliRunner().invoke(main, ["build", str(CNN), "--out", str(out), *arguments])
    assert answer.exit_code == 2
    assert answer.stderr.startswith(message)
    assert answer.stderr.count("\n") == 1
    assert not out.exists()


def test_kernels_of_an_earlier_build_are_renewed(folders: list[Path], tmp_path: Path) -> None:
    write_source(read_tflite(TRANSFORMER), tmp_path)
    (tmp_path / "mf_batch_matmul.c").write_text("an older version")
    write_source(read_tflite(CNN), tmp_path)
    for name in ("mf_batch_matmul.c", "mf_model_transformer_ln_int8.c"):
        assert (tmp_path / name).read_bytes() == (folders[1] / name).read_bytes()
    assert all((tmp_path / Path(name).name).is_file() for name in sources(folders[0]))


def test_a_readme_of_somebody_elses_stays(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    with pytest.raises(InputError, match=r"README\.md: is there already"):
        write_source(read_tflite(CNN), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "# My project\n"


def test_a_folder_that_cannot_be_written_keeps_no_part(tmp_path: Path) -> None:
    (tmp_path / "example").touch()  # where a folder has to be
    with pytest.raises(InputError, match="cannot be written"):
        write_source(read_tflite(CNN), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["example"]
