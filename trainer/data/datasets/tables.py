"""Numbers out of text files, row by row: refused with file and row, or mended and counted.

Rows are counted as an editor does, from 1, the header included; a table's index is its rows, so
that they keep their numbers when others are left out.
"""

import io
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from midfuse.core.errors import InputError
from midfuse.core.oracle import npz_arrays

Floats = npt.NDArray[np.float64]

# Longer runs of missing values are not guessed at. At 50 Hz, a fifth of a second.
MOST_MISSING = 10
_MOST_NPZ_BYTES = 4 << 30

MISSING = "samples with missing values, interpolated"
BLANK = "blank rows, left out"
DOUBLED = "rows that repeat the row before, left out"


def read_csv(
    content: bytes, where: str, columns: Sequence[str], text: Sequence[str] = ()
) -> pd.DataFrame:
    """A table with a header that has these columns, comma between cells; `text` stays text.

    Raises:
        InputError: not such a table, or a column that is missing or there twice.
    """
    table = _parsed(content, where, sep=",", header=0, dtype=dict.fromkeys(text, str))
    for column in columns:
        if column not in table.columns:
            raise InputError(
                f"{where}: row 1: no column {column}",
                f"there are {', '.join(map(str, table.columns[:20]))}",
            )
        if f"{column}.1" in table.columns:
            raise InputError(f"{where}: row 1: column {column} is there twice", "rename one")
    return table


def read_arrays(
    content: bytes, where: str, columns: Sequence[str], array: str | None, of_array: Sequence[str]
) -> pd.DataFrame:
    """The same table out of an .npz, an array (rows,) a column, or one value for all rows.

    Where `array` names one (rows, C), that one holds the columns `of_array`.

    Raises:
        InputError: not an .npz, or arrays that are missing or have other shapes.
    """
    arrays = npz_arrays(io.BytesIO(content), where, _MOST_NPZ_BYTES)
    found: dict[str, npt.NDArray[Any]] = {}

    def take(key: str) -> npt.NDArray[Any]:
        if key not in arrays:
            raise InputError(f"{where}: no array {key}", f"there are {', '.join(arrays)}"[:200])
        if arrays[key].dtype.kind not in "biufU":
            raise InputError(f"{where}: {key}: {arrays[key].dtype}", "numbers or text")
        return arrays[key]

    if array is not None:
        values = take(array)
        if values.ndim != 2 or values.shape[1] != len(of_array):
            raise InputError(
                f"{where}: {array}: shape {values.shape}, not (samples, {len(of_array)})",
                "correct the array",
            )
        found |= dict(zip(of_array, values.T, strict=True))
    for key in columns:
        if key not in found:
            found[key] = take(key)
    rows = max((x.size for x in found.values() if x.ndim), default=1)
    for key, x in found.items():
        if x.ndim and x.shape != (rows,):
            raise InputError(f"{where}: {key}: shape {x.shape}, not ({rows},)", "correct the array")
    table = pd.DataFrame({key: np.broadcast_to(x, rows) for key, x in found.items()})
    # As in a text file, where nothing is no label.
    table = table.replace("", np.nan)
    table.index = pd.RangeIndex(1, rows + 1)
    return table


def read_plain(content: bytes, where: str, columns: int) -> pd.DataFrame:
    """A table without a header, space between cells.

    Raises:
        InputError: not such a table, or not as many columns.
    """
    table = _parsed(content, where, sep=r"\s+", header=None)
    if len(table.columns) != columns:
        raise InputError(
            f"{where}: row 1: {len(table.columns)} columns, not {columns}", "download it again"
        )
    return table


def _parsed(content: bytes, where: str, **layout: object) -> pd.DataFrame:
    if not content.strip():
        raise InputError(f"{where}: empty", "download it again, or take it away")
    try:
        with warnings.catch_warnings():
            # Rows that are longer than the header, above all: cells would be dropped.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table: pd.DataFrame = pd.read_csv(
                io.BytesIO(content),
                index_col=False,
                skip_blank_lines=False,
                low_memory=False,
                # The faster parsers of pandas 2.3 crash on exponents such as 1e40057533980443.
                float_precision="round_trip",
                **layout,
            )
    except (ValueError, OverflowError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        place = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        problem = (
            f"row {place[2]}: {place[3]} cells, not {place[1]}"
            if place
            else f"not a table of text ({error})"
        )
        raise InputError(f"{where}: {problem}", "correct the file") from None
    table.index = pd.RangeIndex(1, len(table) + 1) + (layout["header"] is not None)
    return table


def numbers(table: pd.DataFrame, columns: Sequence[object], where: str) -> Floats:
    """These columns as (rows, columns); empty cells, and infinite ones, are NaN.

    Raises:
        InputError: a cell that is not a number.
    """
    out = np.empty((len(table), len(columns)))
    for at, column in enumerate(columns):
        cells = table[column]
        if cells.dtype.kind in "biuf":
            out[:, at] = cells.to_numpy(np.float64)
            continue
        for row, cell in enumerate(cells):
            try:
                out[row, at] = float(cell)
            except (ValueError, OverflowError):
                found = f"{column}: {str(cell)[:40]!r}"
                raise InputError(
                    f"{where}: row {table.index[row]}: {found} is not a number", "correct the cell"
                ) from None
    return possible(out)


def possible(values: Floats) -> Floats:
    """The values, NaN for those that no sensor can have said: infinite, or beyond float32."""
    return np.where(np.abs(values) < 1e30, values, np.nan)


def mended(values: Floats, where: str, rows: Sequence[int], repairs: Counter[str]) -> Floats:
    """Fill short runs of missing values (NaN) on a straight line between their neighbours.

    A run at either end takes its one neighbour's value.

    Raises:
        InputError: a run longer than MOST_MISSING, or a column without any value.
    """
    missing = np.isnan(values)
    lacking = np.flatnonzero(missing.any(1))
    if len(lacking) == 0:
        return values
    for run in np.split(lacking, np.flatnonzero(np.diff(lacking) > 1) + 1):
        if len(run) > MOST_MISSING or missing.all(0).any():
            raise InputError(
                f"{where}: row {rows[run[0]]}: {len(run)} rows with missing values, at most"
                f" {MOST_MISSING} in a row are filled",
                "cut them out",
            )
    repairs[MISSING] += len(lacking)
    filled = values.copy()
    at = np.arange(len(values))
    for column, gaps in enumerate(missing.T):
        if gaps.any():
            filled[gaps, column] = np.interp(at[gaps], at[~gaps], values[~gaps, column])
    return filled


def tidied(table: pd.DataFrame, repairs: Counter[str]) -> pd.DataFrame:
    """The table less its blank rows; those at the end, which editors leave, are not counted."""
    filled = table.notna().any(axis=1).to_numpy()
    last = len(filled) - int(np.argmax(filled[::-1])) if filled.any() else 0
    repairs[BLANK] += int((~filled[:last]).sum())
    return table[filled]


def undoubled(table: pd.DataFrame, repairs: Counter[str]) -> pd.DataFrame:
    """The table less the rows that say what the row before says, its time stamp included."""
    doubled = (table == table.shift()).all(axis=1).to_numpy()
    repairs[DOUBLED] += int(doubled.sum())
    return table[~doubled]
