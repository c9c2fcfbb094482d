"""The schema of `board.toml`: what a board is, how to connect it, and how an image gets onto it."""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from midfuse.core.errors import InputError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _matching(pattern: str, wanted: str) -> AfterValidator:
    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"{text!r} is not {wanted}")
        return text

    return AfterValidator(check)


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression ({error})") from None
    return text


Url = Annotated[str, _matching(r"https?://[\w.-]+(/\S*)?", "a URL, such as https://example.com/x")]
UsbId = Annotated[
    str, _matching("[0-9a-f]{4}:[0-9a-f]{4}", "vendor:product in lower-case hex, as in 0483:374b")
]
Name = Annotated[str, _matching(r"\w+", "a name of letters, digits and _")]
_PIN = re.compile(r"(?:P([A-K])|P(\d)\.|GPIO)(\d{1,2})")
Pin = Annotated[str, _matching(_PIN.pattern, "a pin, such as PA2, P0.24 or GPIO17")]
U32 = Annotated[int, Field(ge=0, lt=1 << 32)]


def pin_numbers(pin: Pin) -> tuple[int, int]:
    """Port and number: PB7 is (1, 7), P0.24 is (0, 24), GPIO17 is (0, 17)."""
    match = _PIN.fullmatch(pin)
    assert match is not None
    letter, port, number = match.groups()
    return (ord(letter) - ord("A") if letter else int(port or 0)), int(number)


class Seen(_Strict):
    """With what it was seen working, emulated and on hardware; none is not yet."""

    emulated: str | None = None
    hardware: str | None = None


class Toolchain(_Strict):
    """The GCC that builds for the board, and the Debian packages that bring it."""

    prefix: str
    packages: str
    cpu_flags: list[str]
    link_flags: list[str]
    linker_script: str | None = None

    def program(self, name: str) -> str:
        """The full name of one of its programs, such as `gcc` or `objcopy`."""
        return self.prefix + name


class Firmware(_Strict):
    """C sources and folders of headers beside the common ones; see `Board.source`."""

    sources: list[str]
    includes: list[str] = []
    write_bytes: int = Field(gt=0, le=0x4000)
    read_bytes: int = Field(gt=0, le=0x4000)


class Region(_Strict):
    """A stretch of the address space; a vector table may stand at its start."""

    start: U32 = Field(multiple_of=256)
    bytes: int = Field(gt=0, le=1 << 32, multiple_of=256)

    @property
    def end(self) -> int:
        return self.start + self.bytes


class Memory(_Strict):
    """Where code and data go; the stack is reserved at the bottom of `ram`."""

    flash: Region
    ram: Region
    stack_bytes: int = Field(gt=0, multiple_of=8)

    @model_validator(mode="after")
    def _apart(self) -> "Memory":
        if self.flash.start < self.ram.end and self.ram.start < self.flash.end:
            raise ValueError("flash and ram overlap")
        if max(self.flash.end, self.ram.end) > 1 << 32:
            raise ValueError("a region ends behind the 32-bit address space")
        if self.stack_bytes >= self.ram.bytes:
            raise ValueError("stack_bytes takes all of ram")
        return self


class Ticks(_Strict):
    """The counter an inference is measured with: `source` is its C file in `ticks/`.

    `per_second` is its unit: ticks in a second of the board's clock, or of an emulator's virtual
    time.
    """

    source: Name
    width_bits: int = Field(gt=0, le=64)
    per_second: int = Field(gt=0, lt=1 << 32)


class Uart(_Strict):
    """The serial port that carries the protocol: `driver` is its C file in `uart/`."""

    driver: Name
    base: U32
    irq: int = Field(ge=0, lt=1024)
    baud: int = Field(gt=0)
    tx: Pin | None = None
    rx: Pin | None = None


class Connection(_Strict):
    """How a real board is connected.

    `usb` are the ids that its debugger and serial port have on USB, if it brings any; `dtr_rts`
    says what those two lines of the serial port do to the board.
    """

    cable: str
    usb: list[UsbId] = []
    dtr_rts: str


class ChipId(_Strict):
    """A register that tells the chip from others: `value` under `mask` at `address`."""

    address: U32 = Field(multiple_of=4)
    mask: U32
    value: U32


class QemuEntry(_Strict):
    """QEMU acts as the board: the image is handed to it at its start."""

    kind: Literal["qemu"]
    program: str
    packages: str
    arguments: list[str]

    @property
    def nanoseconds_per_instruction(self) -> int | None:
        """Of virtual time; none where it runs by the host's clock."""
        for flag, value in zip(self.arguments, self.arguments[1:], strict=False):
            shift = re.fullmatch(r"shift=(\d+)", value)
            if flag == "-icount" and shift:
                return 1 << int(shift[1])
        return None


class ProcessEntry(_Strict):
    """The image is a program of this computer, and acts as the board."""

    kind: Literal["process"]


class PyOcdEntry(_Strict):
    """pyOCD, with any probe that it knows."""

    backend: Literal["pyocd"]
    target: str


class OpenOcdEntry(_Strict):
    """OpenOCD, with configuration files of its own or in the board's folder, in this order."""

    backend: Literal["openocd"]
    config: list[str] = Field(min_length=1)


class GdbEntry(_Strict):
    """A debug probe or server that speaks GDB's remote protocol; the command line names it."""

    backend: Literal["gdb"]


class Uf2Entry(_Strict):
    """A boot loader that shows up as a drive; `board_id` is a regular expression that the
    Board-ID in its INFO_UF2.TXT matches from the start."""

    backend: Literal["uf2"]
    board_id: Annotated[str, AfterValidator(_expression)]
    family_id: U32


EmulatorEntry = QemuEntry | ProcessEntry
FlashEntry = PyOcdEntry | OpenOcdEntry | GdbEntry | Uf2Entry
Feature = Literal["fpu", "dsp", "mve"]


class BoardFile(_Strict):
    """What `board.toml` says; `flash` is in order of preference."""

    title: str
    page: Url | None = None
    mcu: str
    core: str
    features: list[Feature] = []
    clock_hz: int = Field(ge=0, lt=1 << 32)
    seen: Seen = Seen()
    toolchain: Toolchain
    firmware: Firmware
    memory: Memory | None = None
    chip_id: ChipId | None = None
    ticks: Ticks
    uart: Uart | None = None
    connection: Connection | None = None
    emulator: Annotated[EmulatorEntry, Field(discriminator="kind")] | None = None
    flash: list[Annotated[FlashEntry, Field(discriminator="backend")]] = []

    @model_validator(mode="after")
    def _reachable(self) -> "BoardFile":
        if self.emulator is None and not self.flash:
            raise ValueError("nothing puts an image onto it: add [emulator] or [[flash]]")
        if self.flash and (self.memory is None or self.connection is None):
            raise ValueError("[[flash]] needs [memory] and [connection]")
        return self


def explain(path: Path, error: ValidationError) -> InputError:
    """The first thing that is wrong with a board file, by file and key, and its remedy."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    where = f"{path}: {key}" if key else str(path)
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _keys(), n=1)
        remedy = f"did you mean {near[0]}?" if near else "leave it out"
        return InputError(f"{where}: no such key", remedy)
    if kind == "missing":
        return InputError(f"{where}: missing", "add the key; docs/boards.md has an example")
    if kind == "union_tag_invalid":
        tag = str(context["discriminator"]).strip("'")
        found = context["tag"]
        return InputError(f"{where}.{tag}: no {found!r}", f"known: {context['expected_tags']}")
    if kind == "literal_error":
        return InputError(f"{where}: no {first['input']!r}", f"known: {context['expected']}")
    message = first["msg"].removeprefix("Value error, ")
    return InputError(f"{where}: {message}", "correct the key")


def _keys() -> set[str]:
    """Every key that any table of a board file has."""
    tables: list[Any] = _Strict.__subclasses__()
    return {key for table in tables for key in table.model_fields}
