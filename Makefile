# Two commands do everything, set-up included: `make demo` and `make test`.

# onnx2tf 1.29 pins what Python 3.11 (and 3.12) can install; take 3.11 where it is.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Extra arguments for pip, e.g. an index with the CPU build of torch (see the README).
PIP_ARGS ?=
BIN := .venv/bin
# The host compiler builds the `native` board, and C++ callers in tests; the sanitizers' runtimes
# come with it.
PACKAGES := gcc g++ libc6-dev python3-venv \
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
    gcc-riscv64-unknown-elf qemu-system-misc gdb-multiarch openocd

.PHONY: demo bench bench-convert bench-fixes bench-train test test-full fuzz lint docs clean setup

demo: setup
	$(BIN)/midfuse run --out runs/demo

# Instructions, RAM and flash on each core, judged: the baselines, and shapes of other people. Both
# are run, whatever is missed.
INFERENCES ?= 20
SHAPES := resnet8 ds_cnn autoencoder mobilenet
bench: setup
	$(BIN)/python -m benchmarks.zoo.write runs/zoo
	@status=0; \
	$(BIN)/midfuse bench --inferences $(INFERENCES) --out runs/bench || status=$$?; \
	$(BIN)/midfuse bench $(SHAPES:%=runs/zoo/%.tflite) --reference benchmarks/zoo/reference.json \
	    --board qemu-mps2-an386 --board qemu-mps3-an547 \
	    --inferences $(INFERENCES) --out runs/bench-shapes || status=$$?; \
	exit $$status

# Time and memory of a conversion with every check, beside bare onnx2tf, judged (5 minutes).
bench-convert: setup
	$(BIN)/python -m benchmarks.convert

# What --fix wins back, on people never seen, over seeds (5 minutes).
bench-fixes: setup
	$(BIN)/python -m benchmarks.fixes

# A step of training beside a bare loop over the same model and batches, judged (3 minutes).
bench-train: setup
	$(BIN)/python -m benchmarks.train

# Two workers, a file of tests each: they share a file's conversions and emulators. Slow files
# come first (tests/conftest.py), so that both workers end together.
test: lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# And 10,000 damaged models, the published data sets to int8, and every subject of the watch held out
# once (45 minutes more).
test-full: test
	$(BIN)/pytest -m full
	$(BIN)/midfuse run --all-splits --out runs/all-splits

# Fresh seeds for an hour, or MINUTES; stops at the first finding.
MINUTES ?= 60
fuzz: setup
	$(BIN)/python -m tests.fuzz $(MINUTES)

C_SOURCES = $(shell find boards examples firmware_tools tests -name '*.[ch]' -o -name '*.cc')
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@echo clang-format; $(BIN)/clang-format --dry-run --Werror $(C_SOURCES)

# The pages that are written from tables in the code.
docs: setup
	$(BIN)/python -m midfuse.core.ops_page
	$(BIN)/python -m midfuse.core.schemas

setup: .venv/.system .venv/.packages

# System packages, once. Without apt-get, say in one line what to install.
.venv/.system: Makefile
	@if command -v gcc >/dev/null && command -v g++ >/dev/null \
	    && command -v qemu-system-arm >/dev/null && command -v qemu-system-riscv32 >/dev/null \
	    && command -v riscv64-unknown-elf-gcc >/dev/null \
	    && command -v gdb-multiarch >/dev/null && command -v openocd >/dev/null \
	    && echo '#include <string.h>' | arm-none-eabi-gcc -x c -E - >/dev/null 2>&1 \
	    && $(PYTHON) -c 'import ensurepip' 2>/dev/null; then :; \
	elif command -v apt-get >/dev/null; then \
	    sudo=$$(if [ "$$(id -u)" != 0 ]; then echo sudo; fi); \
	    $$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive \
	        apt-get install -q -y --no-install-recommends $(PACKAGES); \
	else \
	    echo "error: install gcc, g++, arm-none-eabi-gcc with newlib, riscv64-unknown-elf-gcc," \
	        "qemu-system-arm, qemu-system-riscv32, gdb-multiarch and openocd; then run make again" \
	        >&2; exit 3; \
	fi
	@mkdir -p .venv && touch $@

.venv/.packages: pyproject.toml | .venv/.system
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -q $(PIP_ARGS) -e '.[all,dev]'
	@touch $@

clean:
	rm -rf .venv runs dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
