"""Small archives in each publisher's layout, a file's name to its content, to be damaged or not."""

import io
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
from scipy.io import savemat

Files = dict[str, bytes]
Floats = npt.NDArray[np.float64]


def zipped(files: Mapping[str, bytes], path: Path, method: int = ZIP_DEFLATED) -> Path:
    """Write an archive of these files."""
    with ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            # Without the time of day, so that the same files are the same bytes.
            archive.writestr(ZipInfo(name), content, method)
    return path


def unpacked(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write these files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def mat(**arrays: object) -> bytes:
    """A MATLAB file as the publisher's are: level 5, deflated."""
    content = io.BytesIO()
    savemat(content, arrays, do_compression=True)
    return b"MATLAB 5.0 MAT-file".ljust(116) + content.getvalue()[116:]


def waves(samples: int, channels: int, seed: int) -> Floats:
    """Noise, different for each seed."""
    values: Floats = np.random.default_rng(seed).normal(size=(samples, channels))
    return values


# Clips of UTD-MHAD: (action, subject, trial), 60 inertial samples and 25 frames each.
CLIPS = ((1, 1, 1), (2, 2, 1), (27, 3, 4))


def utd_mhad() -> Files:
    """Three clips of three people, seen by both devices."""
    files = {"Skeleton/Skeleton_joint_order.txt": b"The skeleton joint order"}
    for action, subject, trial in CLIPS:
        clip = f"a{action}_s{subject}_t{trial}"
        files[f"Inertial/{clip}_inertial.mat"] = mat(d_iner=waves(60, 6, action))
        joints = waves(20 * 3, 25, action).reshape(20, 3, 25)
        files[f"Skeleton/{clip}_skeleton.mat"] = mat(d_skel=joints)
    return files


def plain(values: Floats) -> bytes:
    """Rows of numbers with a space between."""
    return "".join(" ".join(f"{v:.7g}" for v in row) + "\n" for row in values).encode()


HAPT_LABELS = "1 1 5 11 150\n1 1 7 151 200\n1 1 4 201 300\n2 2 1 1 300\n"


def uci_hapt() -> Files:
    """Two recordings of 300 samples, of subjects 1 and 2, with four labelled segments."""
    files = {"RawData/labels.txt": HAPT_LABELS.encode()}
    for number in (1, 2):
        for sensor in ("acc", "gyro"):
            name = f"RawData/{sensor}_exp{number:02}_user{number:02}.txt"
            files[name] = plain(waves(300, 3, number + 10 * (sensor == "gyro")))
    return files


SP_SW_HEADER = "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label"
EPOCH_MS = 1_657_533_977_813


def sp_sw_rows(rate_hz: float, samples: int = 400) -> list[str]:
    """Rows of one device: two seconds SEATED, then WALKING; the signals say what time it is.

    x_acc is the time in seconds, y_acc a sine of 1 Hz, the others noise.
    """
    noise = waves(samples, 4, int(rate_hz))
    rows = []
    for at in range(samples):
        seconds = at / rate_hz
        cells = [seconds, np.sin(2 * np.pi * seconds), *noise[at]]
        label = "SEATED" if seconds < 2 else "WALKING"
        numbers = ",".join(f"{cell:.6f}" for cell in cells)
        rows.append(f"{numbers},{EPOCH_MS + round(1000 * seconds)},{label}")
    return rows


def csv(header: str, rows: list[str]) -> bytes:
    """A table with its header."""
    return "\n".join([header, *rows, ""]).encode()


def sp_sw_har() -> Files:
    """One execution of subject 1 of nearly four seconds, phone and watch both at 100 Hz."""
    return {
        f"DATA/s01/s01_01_{device}.csv": csv(SP_SW_HEADER, sp_sw_rows(100))
        for device in ("sp", "sw")
    }


FOLDER_TOML = """
label_column = "what"

[window]
length = 20
hop = 10

[modalities.acc]
files = "{subject}/{take}_wrist.csv"
columns = ["ax", "ay"]
unit = "g"
rate_hz = 50

[modalities.pulse]
files = "{subject}/{take}_chest.csv"
columns = ["bpm"]
unit = "1/min"
rate_hz = 10
"""


def folder() -> Files:
    """Two people's four seconds: a wrist at 50 Hz with labels, a chest at 10 Hz, no time stamps."""
    files = {"midfuse.toml": FOLDER_TOML.encode()}
    for at, subject in enumerate(("ann", "bob")):
        wrist = [
            f"{x:.6f},{y:.6f},{'rest' if row < 100 else 'run'}"
            for row, (x, y) in enumerate(waves(200, 2, at))
        ]
        chest = [f"{60 + x:.6f}" for (x,) in waves(40, 1, at + 5)]
        files[f"{subject}/1_wrist.csv"] = csv("ax,ay,what", wrist)
        files[f"{subject}/1_chest.csv"] = csv("bpm", chest)
    return files
