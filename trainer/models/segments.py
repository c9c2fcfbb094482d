"""How a window is cut into time segments: the same for the teacher, the student and all modalities.

Two convolutions without padding, each (kernel, stride): a segment is 20 samples, a new one begins
every 8, and a window of 128 has 14.
"""

FIRST = (8, 4)
SECOND = (4, 2)
# Samples of a segment, and of the shortest window.
SEGMENT = FIRST[0] + (SECOND[0] - 1) * FIRST[1]


def segments_of(length: int) -> int:
    """How many time segments a window of `length` samples has."""
    for kernel, stride in (FIRST, SECOND):
        length = (length - kernel) // stride + 1
    return length
