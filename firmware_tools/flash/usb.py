"""Which USB devices are plugged in, by what Linux's sysfs says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DEVICES = Path("/sys/bus/usb/devices")
_NODES = Path("/dev/bus/usb")


@dataclass(frozen=True)
class UsbDevice:
    """`usb_id` is "vendor:product"; its own `name` and `serial` number are "" where it has none.

    `node` is its file in /dev, which debug probes are opened by.
    """

    usb_id: str
    name: str
    serial: str
    node: Path


def usb_devices(devices: Path = _DEVICES) -> list[UsbDevice]:
    """All of them; empty on a system without sysfs, where nothing is known."""
    found = []
    for folder in sorted(devices.glob("*")):
        usb_id = f"{_read(folder / 'idVendor')}:{_read(folder / 'idProduct')}"
        bus, number = _read(folder / "busnum"), _read(folder / "devnum")
        if bus and number:  # not a device's interface
            node = _NODES / bus.zfill(3) / number.zfill(3)
            name, serial = _read(folder / "product"), _read(folder / "serial")
            found.append(UsbDevice(usb_id, name, serial, node))
    return found


def serial_numbers(ids: Sequence[str]) -> list[str]:
    """The serial numbers of the devices with one of these ids, sorted."""
    return sorted(each.serial for each in usb_devices() if each.usb_id in ids and each.serial)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
