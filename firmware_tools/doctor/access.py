"""May this user open a device, and if not, which line lets them?"""

import grp
import os
import pwd
import stat
from pathlib import Path

# The group of serial ports: Debian's name, then Arch Linux's.
_GROUPS = ("dialout", "uucp")
_GROUP_MAY = stat.S_IRGRP | stat.S_IWGRP


def mend_access(device: Path, usb_id: str) -> str:
    """The line that lets this user read and write a device; "" where they may already.

    A device that some group may open needs a member of it, one that only root may open needs a
    udev rule for its `usb_id`, vendor:product.
    """
    if not device.exists():
        return f"docker run --device={device}  # in a container, which was not given the device"
    if os.access(device, os.R_OK | os.W_OK, effective_ids=True):
        return ""
    about = device.stat()
    if about.st_mode & _GROUP_MAY != _GROUP_MAY or about.st_gid == 0:
        return udev_line(usb_id)
    try:
        return _join(grp.getgrgid(about.st_gid))
    except KeyError:
        return udev_line(usb_id)


def mend_group() -> str:
    """The line that makes this user a member of the group of serial ports; "" where they are, or
    are root.
    """
    try:
        group = grp.getgrnam(serial_group())
    except KeyError:
        return ""  # each port will have to say
    may = os.geteuid() == 0 or group.gr_gid in (os.getegid(), *os.getgroups())
    return "" if may else _join(group)


def serial_group() -> str:
    """The name of the group that serial ports belong to on this system."""
    there = {group.gr_name for group in grp.getgrall()}
    return next((name for name in _GROUPS if name in there), _GROUPS[0])


def _join(group: grp.struct_group) -> str:
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    # Membership counts from the next login on.
    if user in group.gr_mem:
        return f"log out and in again: {user} is in the group {group.gr_name}, but not yet here"
    return f"sudo usermod -aG {group.gr_name} {user}  # then log out and in again"


def udev_line(usb_id: str) -> str:
    """The line that writes a udev rule: the device is for the user at the machine, and for the
    group of serial ports.
    """
    vendor, product = usb_id.split(":")
    rule = (
        f'SUBSYSTEM=="usb|hidraw|tty", ATTRS{{idVendor}}=="{vendor}",'
        f' ATTRS{{idProduct}}=="{product}", MODE="0660", GROUP="{serial_group()}", TAG+="uaccess"'
    )
    # The rule that hands devices to the user at the machine is number 73.
    file = f"/etc/udev/rules.d/70-midfuse-{vendor}-{product}.rules"
    return f"echo '{rule}' | sudo tee {file}  # then plug it in again"
