"""Which USB devices are plugged in, by what Linux's sysfs says."""

from collections.abc import Sequence
from pathlib import Path

_DEVICES = Path("/sys/bus/usb/devices")


def serial_numbers(ids: Sequence[str], devices: Path = _DEVICES) -> list[str]:
    """The serial numbers of the devices with one of these ids ("vendor:product"), sorted.

    Empty where none is there, and on a system without sysfs, where nothing is known.
    """
    found = []
    for device in devices.glob("*"):
        try:
            named = f"{_read(device / 'idVendor')}:{_read(device / 'idProduct')}"
            if named in ids:
                found.append(_read(device / "serial"))
        except OSError:
            continue  # an interface or a hub, or a device without a serial number
    return sorted(found)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip()
