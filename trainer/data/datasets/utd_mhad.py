"""UTD-MHAD: 27 movements of 8 people, one inertial unit and the skeleton that a Kinect saw.

The unit is on the right wrist, for the movements 22 to 27 on the right thigh. A clip is one whole
movement. The two devices were started and stopped together and have no common clock (2.4 to 4.5
inertial samples a skeleton frame), so the skeleton is stretched over the inertial samples. Its
origin is where the hip centre is in the first frame: where somebody stands then does not count,
while walking and squatting still show.
"""

import io
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

from midfuse.core.card import Modality, Window
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from trainer.data.datasets import About, DataSet, Recording
from trainer.data.datasets.archive import Archive, Member, open_archive
from trainer.data.datasets.clock import resampled
from trainer.data.datasets.tables import Floats, mended, possible

ABOUT = About(
    title="UTD-MHAD: 27 movements, an inertial unit and a skeleton",
    licence="free for research; no right to pass it on was stated",
    citation="Chen, Jafari, Kehtarnavaz, IEEE ICIP 2015, doi 10.1109/ICIP.2015.7350781",
    download="https://personal.utdallas.edu/~kehtar/UTD-MHAD.html",
    layout="a folder with Inertial.zip and Skeleton.zip, zipped or unpacked, or one of them",
)

LABELS = (
    "swipe left",
    "swipe right",
    "wave",
    "clap",
    "throw",
    "arm cross",
    "basketball shoot",
    "draw x",
    "draw circle clockwise",
    "draw circle counter-clockwise",
    "draw triangle",
    "bowling",
    "boxing",
    "baseball swing",
    "tennis swing",
    "arm curl",
    "tennis serve",
    "push",
    "knock",
    "catch",
    "pick up and throw",
    "jog",
    "walk",
    "sit to stand",
    "stand to sit",
    "lunge",
    "squat",
)
JOINTS = (
    "head",
    "shoulder_center",
    "spine",
    "hip_center",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "left_hand",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "right_hand",
    "left_hip",
    "left_knee",
    "left_ankle",
    "left_foot",
    "right_hip",
    "right_knee",
    "right_ankle",
    "right_foot",
)
_HIP_CENTER = 3
_SUBJECTS = 8
_TRIALS = 4
_RATE_HZ = 50.0
# Ten times the longest clip; the content may be deflated, so this bounds what it inflates to.
_MOST_BYTES = 256 << 10
_MOST_VALUES = 1 << 20

_INERTIAL = [
    Modality(name="acc", channels=["ax", "ay", "az"], unit="g", rate_hz=_RATE_HZ, device="unit"),
    Modality(
        name="gyro", channels=["wx", "wy", "wz"], unit="deg/s", rate_hz=_RATE_HZ, device="unit"
    ),
]
_SKELETON = Modality(
    name="skeleton",
    channels=[f"{joint}.{axis}" for joint in JOINTS for axis in "xyz"],
    unit="m",
    rate_hz=_RATE_HZ,
    device="camera",
    joints=len(JOINTS),
)

EMPTY = "empty clips, left out"
UNPAIRED = "clips that only one of the devices has, left out"

_Clip = tuple[int, int, int]


def load(path: Path | None, variant: str, progress: Progress = SILENT) -> DataSet:
    """Read the clips of whichever of the two devices `path` holds.

    Raises:
        InputError: nothing there, or a file that cannot be used.
    """
    repairs: Counter[str] = Counter()
    with open_archive("utd-mhad", path, ABOUT) as archive:
        inertial = _clips(archive, "inertial", repairs)
        skeleton = _clips(archive, "skeleton", repairs)
        devices = [clips for clips in (inertial, skeleton) if clips]
        if not devices:
            raise archive.nothing("files aX_sY_tZ_inertial.mat or aX_sY_tZ_skeleton.mat")
        shared = sorted(set.intersection(*map(set, devices)))
        repairs[UNPAIRED] += len(set.union(*map(set, devices))) - len(shared)
        recordings = []
        with progress.task("reading utd-mhad", total=len(shared)) as task:
            for clip in shared:
                signals = _signals(inertial.get(clip), skeleton.get(clip), repairs)
                if signals:
                    action, subject, _ = clip
                    recordings.append(Recording.of_one(action - 1, signals, str(subject)))
                task.advance()
        if not recordings:
            raise archive.nothing("a clip with samples that every device has")
    return DataSet(
        name="utd-mhad",
        about=ABOUT,
        modalities=[*(_INERTIAL if inertial else []), *([_SKELETON] if skeleton else [])],
        recordings=recordings,
        labels=list(LABELS),
        window=Window(length=128, hop=128, whole=True),
        test_subjects=["2", "4", "6", "8"],
        repairs=+repairs,
    )


def _clips(archive: Archive, device: str, repairs: Counter[str]) -> dict[_Clip, Member]:
    def key(member: Member) -> _Clip:
        action, subject, trial = (int(number) for number in member.match.groups())
        for what, number, most in (
            ("action", action, len(LABELS)),
            ("subject", subject, _SUBJECTS),
            ("trial", trial, _TRIALS),
        ):
            if not 1 <= number <= most:
                raise InputError(
                    f"{member.where}: {what} {number}: there are 1 to {most}", "take the file away"
                )
        return action, subject, trial

    pattern = rf"(?:.*/)?a(\d{{1,9}})_s(\d{{1,9}})_t(\d{{1,9}})_{device}\.mat"
    return archive.by_key(pattern, key, _MOST_BYTES, repairs)


def _signals(
    inertial: Member | None, skeleton: Member | None, repairs: Counter[str]
) -> dict[str, npt.NDArray[np.float32]]:
    """The clip's arrays by modality; none where a device recorded nothing."""
    signals = {}
    unit = frames = None
    if inertial is not None:
        unit = _array(inertial, "d_iner", (None, 6))
        if len(unit) < 2:
            repairs[EMPTY] += 1
            return {}
        unit = mended(unit, inertial.where, range(1, len(unit) + 1), repairs)
        signals["acc"] = unit[:, :3].astype(np.float32)
        signals["gyro"] = unit[:, 3:].astype(np.float32)
    if skeleton is not None:
        frames = _array(skeleton, "d_skel", (len(JOINTS), 3, None))
        frames = frames.transpose(2, 0, 1).reshape(frames.shape[2], -1)
        if len(frames) < 2:
            repairs[EMPTY] += 1
            return {}
        frames = mended(frames, skeleton.where, range(1, len(frames) + 1), repairs)
        joints = frames.reshape(len(frames), len(JOINTS), 3)
        frames = (joints - joints[0, _HIP_CENTER]).reshape(len(frames), -1)
        # Kinect frames come at about 30 Hz; a clip without the unit is stretched to 50 Hz.
        length = len(unit) if unit is not None else round(len(frames) * _RATE_HZ / 30)
        signals["skeleton"] = resampled(
            np.linspace(0, 1, len(frames)), frames, np.linspace(0, 1, length)
        )
    return signals


def _array(member: Member, key: str, shape: tuple[int | None, ...]) -> Floats:
    """One array of a MATLAB file, whose shape is known but for one length.

    Raises:
        InputError: not a MATLAB file, no such array, or another shape.
    """
    content = member.read(_MOST_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            array = loadmat(io.BytesIO(content), variable_names=[key]).get(key)
    # Whatever a parser of untrusted bytes may run into is the file's fault.
    except Exception as error:
        raise InputError(
            f"{member.where}: not a usable .mat ({error})", "download it again"
        ) from None
    wanted = " x ".join("T" if length is None else str(length) for length in shape)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise InputError(f"{member.where}: {key}: no array of numbers", "download it again")
    # A clip without samples keeps no shape worth asking for.
    fits = array.ndim == len(shape) and all(
        b in (None, a) for a, b in zip(array.shape, shape, strict=False)
    )
    if array.size > _MOST_VALUES or not (fits or array.size == 0):
        raise InputError(
            f"{member.where}: {key}: {' x '.join(map(str, array.shape))}, not {wanted}",
            "download it again",
        )
    if array.size == 0:
        array = np.empty([0 if length is None else length for length in shape])
    return possible(array.astype(np.float64))
