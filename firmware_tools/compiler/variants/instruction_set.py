"""The instruction sets that kernels are written for."""

from enum import Enum


class InstructionSet(Enum):
    """What a core can run: C99, the DSP extension's `SMLAD`, or the vectors of Helium (MVE).

    A core with MVE has the DSP extension too.
    """

    PORTABLE = "portable"
    DSP = "dsp"
    MVE = "mve"
