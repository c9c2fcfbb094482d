"""How the report, the terminal and the overlay put figures: one wording for all of them."""

import math
from collections.abc import Sequence

from converter.checks.causes import lowest
from converter.checks.op_check import Cause, OpCheck, OpError, Verdict
from converter.fixes.score import FixItem

# A bar's full width: about what rounding to int8 alone leaves of a tensor that fills its range.
FULL_BAR_DB = 50.0
# Ops that are shown as the worst.
WORST = 10
SYMBOLS = {Verdict.FINE: "✓", Verdict.SUSPECT: "▲", Verdict.BROKEN: "✖"}


def plain(name: str) -> str:
    """A name from a model, safe to show: it stays on one line and steers no terminal."""
    return "".join(c if c.isprintable() else "?" for c in name)


def decibels(value: float | None) -> str:
    """A ratio for people; where nothing is off there is none."""
    return "exact" if value is None else f"{value:.1f} dB"


def judged(error: OpError) -> float | None:
    """The SQNR that an op is judged by; None where there is no error, or no signal."""
    value = lowest(error)
    return None if math.isinf(value) else value


def sqnr(error: OpError) -> str:
    """The SQNR that an op is judged by, for people; without one, why."""
    value = judged(error)
    return "no signal" if value is None and error.max_abs > 0 else decibels(value)


def bar_percent(error: OpError) -> float:
    """That SQNR as the width of a bar in percent."""
    value = judged(error)
    if value is None:
        return 0.0 if error.max_abs > 0 else 100.0
    return round(100 * min(max(value / FULL_BAR_DB, 0.0), 1.0), 1)


def share(count: int, total: int) -> str:
    """A part in percent, and as the count it is."""
    return f"{count / total:.2%} ({count})"


def change(before: float | None, after: float | None) -> str:
    """A share before and after, in percent."""
    return "–" if before is None or after is None else f"{before:.1%} → {after:.1%}"


def ranges(trained: int, observed: int, windows: int) -> str:
    """Where the activation ranges come from."""
    if not trained:
        return f"from {windows} windows"
    return f"{trained} trained, {observed} observed" + (f" on {windows} windows" * (observed > 0))


def kept(fixes: Sequence[FixItem]) -> str:
    """The fixes that were kept, and what they did together to the outputs' SQNR."""
    if not fixes:
        return "fixes: none needed"
    found = [item for item in fixes if item.kept]
    if not found:
        return f"fixes: {len(fixes)} tried, none helps"
    before, after = found[0].before.sqnr_db, found[-1].after.sqnr_db
    names = ", ".join(item.name for item in found)
    return f"fixes: {names}; SQNR {decibels(before)} to {decibels(after)}"


def size(count: int) -> str:
    """Bytes for people; KB are 1024 bytes."""
    return f"{count} bytes" if count < 1024 else f"{count / 1024:,.1f} KB"


def name_of(check: OpCheck) -> str:
    """An op's number, type and module."""
    of = "" if check.module is None else f" of {plain(check.module)}"
    return f"{check.index} {check.op}{of}"


def why(cause: Cause) -> str:
    """A cause as a sentence: its kind, then this op's figures."""
    kind = cause.kind.value
    return f"{kind[0].upper()}{kind[1:]}: {plain(cause.sentence).rstrip('.')}."


def worst_first(checks: Sequence[OpCheck]) -> list[OpCheck]:
    """Broken ops, then suspect ones, then fine ones; within each, the lowest local SQNR first."""
    order = [Verdict.BROKEN, Verdict.SUSPECT, Verdict.FINE]

    def key(check: OpCheck) -> tuple[int, float]:
        value = judged(check.local)
        return order.index(check.verdict), math.inf if value is None else value

    return sorted(checks, key=key)


def counts(checks: Sequence[OpCheck]) -> str:
    """How many ops have each verdict, the worst first."""
    found = [check.verdict for check in checks]
    return ", ".join(
        f"{found.count(verdict)} {verdict}"
        for verdict in (Verdict.BROKEN, Verdict.SUSPECT, Verdict.FINE)
        if verdict in found
    )


def first_to_see(checks: Sequence[OpCheck]) -> OpCheck | None:
    """The first broken op, else the first suspect one."""
    for verdict in (Verdict.BROKEN, Verdict.SUSPECT):
        first = next((check for check in checks if check.verdict is verdict), None)
        if first is not None:
            return first
    return None


def headline(checks: Sequence[OpCheck]) -> str:
    """The verdict on the model in a sentence, and in another what lies behind it."""
    first = first_to_see(checks)
    if first is None:
        are = "the one op is" if len(checks) == 1 else f"all {len(checks)} ops are"
        return f"Healthy: {are} fine."
    broken = first.verdict is Verdict.BROKEN
    lead = "The first broken op is" if broken else "No op is broken; the first suspect one is"
    cause = "" if first.cause is None else f" {why(first.cause)}"
    return f"{lead} {name_of(first)}.{cause}"
