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
    if os.access(device, os.R_OK | os.W_OK, effective_ids=True):
        return ""
    about = device.stat()
    if about.st_mode & _GROUP_MAY != _GROUP_MAY or about.st_gid == 0:
        return udev_line(usb_id)
    try:
        group = grp.getgrgid(about.st_gid)
    except KeyError:
        return udev_line(usb_id)
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
        f' ATTRS{{idProduct}}=="{product}", MODE="0660", GROUP="{_serial_group()}", TAG+="uaccess"'
    )
    # The rule that hands devices to the user at the machine is number 73.
    file = f"/etc/udev/rules.d/70-midfuse-{vendor}-{product}.rules"
    return f"echo '{rule}' | sudo tee {file}  # then plug it in again"


def _serial_group() -> str:
    there = {group.gr_name for group in grp.getgrall()}
    return next((name for name in _GROUPS if name in there), _GROUPS[0])
