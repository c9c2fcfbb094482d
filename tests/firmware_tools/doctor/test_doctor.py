"""`midfuse doctor` on this machine, as it is and with less on its PATH; no board is plugged in."""

import grp
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from serial.tools.list_ports_common import ListPortInfo

from firmware_tools.doctor import plugged
from firmware_tools.doctor.access import mend_access, mend_group, udev_line
from firmware_tools.doctor.plugged import serial_ports
from firmware_tools.flash.usb import UsbDevice, usb_devices
from midfuse.cli.main import main
from tests.firmware_tools.conftest import ST_LINK

TOOLS = ("arm-none-eabi-gcc", "arm-none-eabi-objcopy", "arm-none-eabi-size", "qemu-system-arm")
NOBODY = 65534


def doctor(*options: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *options])


def findings(*options: str, code: int = 0) -> dict[str, dict[str, Any]]:
    answer = doctor(*options, "--json")
    assert answer.exit_code == code, answer.output
    data = json.loads(answer.stdout)
    assert data["ready"] == (code == 0)
    return {each["what"]: each for each in data["findings"]}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with what the default board needs, and nothing else."""
    if not all(map(shutil.which, (*TOOLS, "apt-get"))):
        pytest.skip("needs the default board's tools, and apt-get")
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(folder))
    (folder / "apt-get").symlink_to("/usr/bin/apt-get")
    script(folder / "sudo", 'exec "$@"')
    return folder


def script(file: Path, line: str) -> None:
    file.unlink(missing_ok=True)
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)


def test_what_the_default_board_needs_is_enough(path: Path) -> None:
    found = findings()
    version = subprocess.run(
        ["arm-none-eabi-gcc", "-dumpfullversion"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert found["arm-none-eabi-gcc"]["found"] == f"{version}, {path / 'arm-none-eabi-gcc'}"
    assert found["qemu-system-arm"]["state"] == "ready"
    # A bench machine has neither, and needs neither.
    assert {"midfuse[train]", "midfuse[convert]"} <= found.keys()
    for tool in ("openocd", "gdb-multiarch", "qemu-system-riscv32", "riscv64-unknown-elf-gcc"):
        assert found[tool]["state"] == "optional"
    assert "apt-get -o APT::Install-Recommends=0 install openocd" in found["openocd"]["remedy"]


def test_a_missing_tool_is_said_with_its_line(path: Path) -> None:
    (path / "qemu-system-arm").unlink()
    found = findings(code=3)
    assert found["qemu-system-arm"]["state"] == "missing"
    answer = doctor()
    lines = answer.stdout.splitlines()
    at = lines.index("missing: qemu-system-arm")
    sudo = "" if os.geteuid() == 0 else "sudo "
    assert lines[at + 1] == f"  {sudo}apt-get -o APT::Install-Recommends=0 install qemu-system-arm"
    assert answer.stderr.startswith("error: qemu-mps2-an386 is not ready: qemu-system-arm;")
    assert answer.stderr.count("\n") == 1
    # It is another board's tool.
    (path / "gcc").symlink_to("/usr/bin/gcc")
    for tool in ("objcopy", "size"):
        (path / tool).symlink_to(f"/usr/bin/{tool}")
    assert findings("--board", "native")["qemu-system-arm"]["state"] == "optional"


def test_tools_that_are_there_and_of_no_use(path: Path) -> None:
    script(path / "arm-none-eabi-gcc", 'exec /usr/bin/arm-none-eabi-gcc -nostdinc "$@"')
    script(path / "qemu-system-arm", "exit 1")
    found = findings(code=3)
    compiler, emulator = found["arm-none-eabi-gcc"], found["qemu-system-arm"]
    assert compiler["state"] == emulator["state"] == "missing"
    assert "no C library" in compiler["found"]
    assert "libnewlib-arm-none-eabi" in compiler["remedy"]
    assert "does not run" in emulator["found"]


def test_install_runs_apt_get_on_what_is_missing(path: Path) -> None:
    """The real apt-get, told to simulate; the emulator appears where it succeeds."""
    (path / "qemu-system-arm").unlink()
    install = 'PATH=/usr/bin:/bin /usr/bin/apt-get --simulate "$@"'
    appear = f"/usr/bin/ln -s /usr/bin/qemu-system-arm {path}"
    script(path / "apt-get", f'[ "$1" = update ] || {{ {install} && {appear}; }}')
    asked = doctor("--install")
    assert asked.exit_code == 2
    assert "pass --yes" in asked.stderr
    assert not (path / "qemu-system-arm").exists()
    # In a process of its own: apt-get writes past Python.
    command = [sys.executable, "-m", "midfuse", "doctor", "--install", "--yes", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ready"]
    shown = next(line for line in done.stderr.splitlines() if "APT::Install-Recommends=0" in line)
    packages = "apt-get -o APT::Install-Recommends=0 install --yes qemu-system-arm"
    assert shown.removeprefix("sudo ") == packages


def test_a_real_board_needs_one_of_its_ways_and_itself(
    path: Path, hardware: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = findings("--board", hardware, code=3)
    assert found["openocd"]["state"] == "missing"
    assert found["gdb-multiarch"]["state"] == "optional"
    assert found["qemu-system-arm"]["state"] == "ready"
    assert found["real on USB"]["remedy"] == "connect it: a USB cable to its ST-LINK"

    # GDB alone has nobody to talk to.
    script(path / "gdb-multiarch", "echo GNU gdb 13.1")
    assert findings("--board", hardware, code=3)["openocd"]["state"] == "missing"
    script(path / "openocd", "echo Open On-Chip Debugger 0.12.0")
    found = findings("--board", hardware, code=3)
    assert found["openocd"]["found"] == f"0.12.0, {path / 'openocd'}"

    port = ListPortInfo(str(path.parent / "ttyACM0"))
    port.vid, port.pid, port.product = 0x0483, 0x374B, "STM32 STLink"
    Path(port.device).touch()
    monkeypatch.setattr(plugged, "comports", lambda: [port])
    found = findings("--board", hardware)
    assert found[f"serial port {port.device}"]["found"] == (
        "0483:374b STM32 STLink: nucleo-f446re or real or stm32f4-discovery"
    )
    port.vid = 0x1234
    assert findings("--board", hardware, code=3)["real on USB"]["found"] == "not plugged in"


def test_boot_loader_drives_and_probes_are_named(
    path: Path, hardware: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "boards" / hardware / "board.toml"
    uf2 = '[[flash]]\nbackend = "uf2"\nboard_id = "Real-v"\nfamily_id = 1\n'
    file.write_text(file.read_text(encoding="utf-8") + uf2, encoding="utf-8")
    for drive, says in {"ours": "Real-v2", "other": "RPI-RP2"}.items():
        (tmp_path / drive).mkdir()
        (tmp_path / drive / "INFO_UF2.TXT").write_text(f"UF2 Bootloader\r\nBoard-ID: {says}\r\n")
    monkeypatch.setattr(plugged, "mounted", lambda: [tmp_path / "ours", tmp_path / "other"])
    node = tmp_path / "node"
    node.touch()
    devices = [
        UsbDevice("1366:0101", "J-Link", "1", node),
        UsbDevice("046d:c31c", "Keyboard", "", tmp_path / "keyboard"),
        UsbDevice("0d28:0204", "micro:bit", "2", tmp_path / "not-there"),
    ]
    monkeypatch.setattr(plugged, "usb_devices", lambda: devices)
    found = findings()
    assert found[f"UF2 drive {tmp_path / 'ours'}"]["found"] == f"Real-v2: {hardware}"
    assert found[f"UF2 drive {tmp_path / 'other'}"]["found"] == "RPI-RP2: no board has this id"
    assert found[f"USB device {node}"]["state"] == "ready"
    assert not any("keyboard" in what for what in found)
    microbit = found[f"USB device {tmp_path / 'not-there'}"]
    assert (microbit["state"], "microbit; this user" in microbit["found"]) == ("optional", True)


def test_a_pseudo_terminal_is_no_board() -> None:
    ours, theirs = pty.openpty()
    try:
        assert os.ttyname(theirs) not in [str(port.file) for port in serial_ports()]
    finally:
        os.close(ours)
        os.close(theirs)


def test_usb_devices_are_read_from_sysfs(tmp_path: Path) -> None:
    for name, files in {
        "1-1": {"idVendor": "0483", "idProduct": "374b", "busnum": "1", "devnum": "7"},
        "1-1:1.0": {"bInterfaceClass": "ff"},
        "usb1": {"idVendor": "1d6b", "idProduct": "0002", "busnum": "1", "devnum": "1"},
    }.items():
        (tmp_path / name).mkdir()
        for file, value in files.items():
            (tmp_path / name / file).write_text(value + "\n")
    (tmp_path / "1-1" / "product").write_text("STM32 STLink\n")
    found = usb_devices(tmp_path)
    assert [(each.usb_id, each.name) for each in found] == [
        (ST_LINK, "STM32 STLink"),
        ("1d6b:0002", ""),
    ]
    assert found[0].node == Path("/dev/bus/usb/001/007")


@contextmanager
def unprivileged(group: int = NOBODY) -> Iterator[None]:
    os.setgroups([group])
    os.setegid(group)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([0])


@pytest.mark.skipif(os.geteuid() != 0, reason="changes users, which only root may")
def test_who_may_open_a_device() -> None:
    dialout = grp.getgrnam("dialout").gr_gid
    # Not in tmp_path, into which others may not look.
    with tempfile.NamedTemporaryFile() as file:
        device = Path(file.name)
        os.chown(device, 0, dialout)
        device.chmod(0o660)
        assert mend_access(device, ST_LINK) == ""
        with unprivileged():
            line = mend_access(device, ST_LINK)
            assert line.startswith("sudo usermod -aG dialout nobody")
            assert mend_group() == line
        with unprivileged(dialout):
            assert mend_access(device, ST_LINK) == mend_group() == ""
        # As the kernel makes USB devices: anybody may read, no group may write.
        os.chown(device, 0, 0)
        device.chmod(0o664)
        with unprivileged():
            assert mend_access(device, ST_LINK) == udev_line(ST_LINK)
    assert mend_access(device, ST_LINK).startswith(f"docker run --device={device}")


def test_the_udev_line_writes_the_rule(tmp_path: Path) -> None:
    line = udev_line(ST_LINK)
    file = "/etc/udev/rules.d/70-midfuse-0483-374b.rules"
    assert f"| sudo tee {file} " in line
    here = tmp_path / "rule"
    said = line.replace(f"sudo tee {file}", f"tee {here}")
    subprocess.run(["sh", "-c", said], check=True, stdout=subprocess.DEVNULL)
    rule = here.read_text()
    assert 'ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", MODE="0660"' in rule
    assert rule.count("\n") == 1
