"""pyOCD, the library itself: its probes, its targets, and a chip that is simulated behind its probe
interface."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, ClassVar

import pytest

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import ChipId, PyOcdEntry, Region
from firmware_tools.flash import programmer_for
from firmware_tools.flash.flow import flash_image
from midfuse.core.errors import CheckFailed, DeviceError, MidfuseError
from midfuse.core.results import FlashResult, Image
from tests.firmware_tools.flash.flash_boards import board_with
from tests.firmware_tools.flash.simulated_chip import RAM, DebugPort, SimulatedChip, elf_at

pytest.importorskip("pyocd", reason="pyocd is not installed")

from pyocd.core.exceptions import ProbeDisconnected
from pyocd.probe.aggregator import PROBE_CLASSES
from pyocd.probe.debug_probe import DebugProbe

CONTENT = bytes(range(200))
# pyOCD's generic target has no memory; a flash algorithm would have to run on the chip, so the
# image goes into its RAM.
SCRIPT = f"""
from pyocd.core.memory_map import RamRegion
def will_connect(board):
    board.target.memory_map.add_region(RamRegion(start={RAM:#x}, length=0x1000))
"""


class SimulatedProbe(DebugProbe):  # type: ignore[misc]
    """pyOCD's probe interface onto the simulated debug port; `chips` are those plugged in."""

    chips: ClassVar[dict[str, SimulatedChip]] = {}

    @classmethod
    def get_all_connected_probes(
        cls, unique_id: str | None = None, is_explicit: bool = False
    ) -> "list[SimulatedProbe]":
        return [cls(serial, chip) for serial, chip in cls.chips.items()]

    @classmethod
    def get_probe_with_id(
        cls, unique_id: str, is_explicit: bool = False
    ) -> "SimulatedProbe | None":
        return cls(unique_id, cls.chips[unique_id]) if unique_id in cls.chips else None

    def __init__(self, serial: str, chip: SimulatedChip) -> None:
        super().__init__()
        self._serial = serial
        self._port = DebugPort(chip)
        self._protocol: Any = None
        self._open = False

    vendor_name = "Midfuse"
    product_name = "simulated"
    supported_wire_protocols: Collection[Any] = (
        DebugProbe.Protocol.DEFAULT,
        DebugProbe.Protocol.SWD,
    )
    capabilities: Any = frozenset()

    @property
    def unique_id(self) -> str:
        return self._serial

    @property
    def wire_protocol(self) -> Any:
        return self._protocol

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False

    def connect(self, protocol: Any = None) -> None:
        self._protocol = DebugProbe.Protocol.SWD

    def disconnect(self) -> None:
        self._protocol = None

    def set_clock(self, frequency: float) -> None:
        pass

    def assert_reset(self, asserted: bool) -> None:
        pass

    def is_reset_asserted(self) -> bool:
        return False

    def read_dp(self, addr: int, now: bool = True) -> Any:
        return self._later(self._port.read(False, addr), now)

    def write_dp(self, addr: int, data: int) -> None:
        self._port.write(False, addr, data)

    def read_ap(self, addr: int, now: bool = True) -> Any:
        return self._later(self._port.read(True, addr & 0xC), now)

    def write_ap(self, addr: int, data: int) -> None:
        self._port.write(True, addr & 0xC, data)

    def read_ap_multiple(self, addr: int, count: int = 1, now: bool = True) -> Any:
        return self._later([self._port.read(True, addr & 0xC) for _ in range(count)], now)

    def write_ap_multiple(self, addr: int, values: Collection[int]) -> None:
        for value in values:
            self._port.write(True, addr & 0xC, value)

    def _later(self, value: Any, now: bool) -> Any:
        later: Callable[[], Any] = lambda: value  # noqa: E731
        return value if now else later


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> dict[str, SimulatedChip]:
    """The chips whose probes pyOCD finds, by their serial numbers; no real ones."""
    real = list(PROBE_CLASSES)
    for name in real:
        monkeypatch.delitem(PROBE_CLASSES, name)
    monkeypatch.setitem(PROBE_CLASSES, "simulated", SimulatedProbe)
    chips: dict[str, SimulatedChip] = {}
    monkeypatch.setattr(SimulatedProbe, "chips", chips)
    return chips


@pytest.fixture
def image(toy_qemu: Image, tmp_path: Path) -> Image:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(elf_at(RAM, CONTENT))
    return toy_qemu.model_copy(update={"elf": elf})


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Its flash is the simulated chip's RAM; its folder has the script that tells pyOCD so."""
    (tmp_path / "pyocd_user.py").write_text(SCRIPT)
    chip_id = ChipId(address=0xE004_2000, mask=0xFFF, value=0x410)
    entry = PyOcdEntry(backend="pyocd", target="cortex_m")
    found = board_with(entry, tmp_path, core="cortex-m3", chip_id=chip_id)
    assert found.memory is not None
    memory = found.memory.model_copy(update={"flash": Region(start=RAM, bytes=0x1000)})
    return found.model_copy(update={"memory": memory})


def flash(image: Image, board: Board, probe: str | None = None) -> FlashResult:
    return flash_image(image, board, programmer_for(board, "pyocd"), probe=probe)


def refused(error: type[MidfuseError], image: Image, board: Board, probe: str | None = None) -> str:
    with pytest.raises(error) as caught:
        flash(image, board, probe)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_simulated_chip_is_written_verified_and_reset(
    image: Image, board: Board, plugged: dict[str, SimulatedChip]
) -> None:
    here = Path.cwd()
    chip = plugged["A1"] = SimulatedChip()
    done = flash(image, board)
    assert bytes(chip.read(RAM + i, 1) for i in range(len(CONTENT))) == CONTENT
    assert chip.resets >= 1
    assert (done.probe, done.verified, done.written_bytes) == ("A1", True, len(CONTENT))
    assert Path.cwd() == here


def test_another_chip_is_not_written(
    image: Image, board: Board, plugged: dict[str, SimulatedChip]
) -> None:
    chip = plugged["A1"] = SimulatedChip(device_id=0x421)
    message = refused(DeviceError, image, board)
    assert "the chip id at 0xe0042000 is 0x421, not 0x410; nothing was written" in message
    assert chip.read(RAM, 4) == 0


def test_a_damaged_write_is_caught(
    image: Image, board: Board, plugged: dict[str, SimulatedChip]
) -> None:
    plugged["A1"] = SimulatedChip(spoil=lambda at, data: bytes(4) if at == RAM + 8 else data)
    message = refused(CheckFailed, image, board)
    assert "verify failed: 0x20000008 is not what was written" in message


def test_a_pulled_cable_is_told_and_a_second_try_mends_it(
    image: Image, board: Board, plugged: dict[str, SimulatedChip]
) -> None:
    def pull(at: int, data: bytes) -> bytes:
        if at >= RAM + 100:
            raise ProbeDisconnected("the probe is gone")
        return data

    plugged["A1"] = SimulatedChip(spoil=pull)
    message = refused(DeviceError, image, board)
    assert "interrupted while its flash was written, so it holds no whole image" in message
    plugged["A1"].spoil = lambda _, data: data
    assert flash(image, board).verified


def test_no_probe_two_probes_and_another_probe(
    image: Image, board: Board, plugged: dict[str, SimulatedChip]
) -> None:
    message = refused(DeviceError, image, board)
    assert message.startswith("no debug probe for qemu-mps2-an386 found; connect it")
    plugged |= {"B2": SimulatedChip(), "A1": SimulatedChip()}
    assert refused(DeviceError, image, board) == (
        "2 debug probes for qemu-mps2-an386 found: A1, B2; nothing was written;"
        " choose one as `probe`"
    )
    message = refused(DeviceError, image, board, "C3")
    assert message.startswith("`probe` C3: no such debug probe")
    assert flash(image, board, "B2").probe == "B2"
    assert plugged["A1"].read(RAM, 4) == 0


def test_a_chip_that_pyocd_does_not_know(
    image: Image, board: Board, plugged: dict[str, SimulatedChip]
) -> None:
    plugged["A1"] = SimulatedChip()
    unknown = board.model_copy(update={"flash": [PyOcdEntry(backend="pyocd", target="z80")]})
    message = refused(DeviceError, image, unknown)
    assert message.startswith("pyocd does not know the chip z80 of qemu-mps2-an386")
    assert message.endswith("pyocd pack install z80")


def test_pyocd_is_missing(image: Image, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_tools.flash.py_ocd.find_spec", lambda name: None)
    assert refused(DeviceError, image, board) == (
        'pyocd, which flashes qemu-mps2-an386, is not installed; pip install "midfuse[flash]"'
    )
