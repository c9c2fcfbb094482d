"""What the stages answer: each command prints one of these as JSON, and the next stage reads it.

`docs/schemas` has them as JSON schemas (`make docs` writes them). One row has one name everywhere:

- `float_model`: any model as it was given; `float_tflite`: what the converter lowered it to;
  `int8_host`: its int8 form under TensorFlow Lite Micro on the host; `on_device`: the same on a
  board.
- Of a training: `trees`, `cnn`, `deepconvlstm`, `early_fusion`, `late_fusion`, `mid_fusion`,
  `teacher`, `student_alone`, `student_float` (distilled), `student_tuned` (on its int8 grids, in
  PyTorch), `student_tuned_float` (the same weights in float). `student_int8_untuned` and
  `student_int8_host` are the distilled and the tuned one's `int8_host`.
"""

from midfuse.core.results.base import (
    Part,
    Result,
    SeedSpread,
    Spread,
)
from midfuse.core.results.board import (
    Bench,
    BoardResult,
    Cell,
    Evaluation,
    Figures,
    FlashResult,
    LinkStatistics,
    OpBytes,
    Profile,
    StepProfile,
    Target,
)
from midfuse.core.results.conversion import (
    ConvertAccuracy,
    ConvertAgreement,
    ConvertResult,
    CorrectCounts,
    Fix,
    FixScore,
    RangeCounts,
    SameClass,
)
from midfuse.core.results.image import (
    Image,
    ImageFile,
    ImageStep,
    MemoryUse,
    SourceFolder,
)
from midfuse.core.results.study import (
    AxisPoint,
    BySeed,
    ConditionFigures,
    EffectivenessResult,
    PointFigures,
    RobustnessResult,
    ScalabilityResult,
    StudentPoint,
    StudiedBoard,
    StudiedCondition,
    StudiedModel,
    StudyFigures,
    StudyResult,
    TeacherPoint,
)
from midfuse.core.results.training import (
    ClassContent,
    ClassFigures,
    DataResult,
    ModelFigures,
    OverSeeds,
    PerturbedCondition,
    PerturbedFigures,
    PerturbResult,
    SampleCounts,
    SubjectSplit,
    Training,
    TrainingFigures,
    TrainResult,
)
from midfuse.core.results.workflow import (
    RunResult,
    SplitSummary,
)

__all__ = [
    "AxisPoint",
    "Bench",
    "BoardResult",
    "BySeed",
    "Cell",
    "ClassContent",
    "ClassFigures",
    "ConditionFigures",
    "ConvertAccuracy",
    "ConvertAgreement",
    "ConvertResult",
    "CorrectCounts",
    "DataResult",
    "EffectivenessResult",
    "Evaluation",
    "Figures",
    "Fix",
    "FixScore",
    "FlashResult",
    "Image",
    "ImageFile",
    "ImageStep",
    "LinkStatistics",
    "MemoryUse",
    "ModelFigures",
    "OpBytes",
    "OverSeeds",
    "Part",
    "PerturbResult",
    "PerturbedCondition",
    "PerturbedFigures",
    "PointFigures",
    "Profile",
    "RangeCounts",
    "Result",
    "RobustnessResult",
    "RunResult",
    "SameClass",
    "SampleCounts",
    "ScalabilityResult",
    "SeedSpread",
    "SourceFolder",
    "SplitSummary",
    "Spread",
    "StepProfile",
    "StudentPoint",
    "StudiedBoard",
    "StudiedCondition",
    "StudiedModel",
    "StudyFigures",
    "StudyResult",
    "SubjectSplit",
    "Target",
    "TeacherPoint",
    "TrainResult",
    "Training",
    "TrainingFigures",
]
