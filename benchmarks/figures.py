"""Statistics of samples, and formatting of numbers."""

import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], part: float) -> float | None:
    """Return the quantile (0 to 1) of the values; None if there are none."""
    ordered = sorted(values)
    return ordered[int(part * (len(ordered) - 1))] if ordered else None


def median(values: Sequence[float | None]) -> float | None:
    """Return the median of the values that are not None."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratio(ours: float | None, theirs: float | None) -> float | None:
    """Return the ratio of our value to theirs; None if it is undefined."""
    return ours / theirs if ours is not None and theirs else None


def plain(number: float | None, unit: str = "") -> str:
    """Return the number with its significant digits; `–` if it is unknown."""
    if number is None:
        return "–"
    digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2
    text = f"{number:.{digits}f}"
    return f"{text} {unit}".strip()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, its columns aligned as Prettier does."""
    widths = [max(3, *(len(row[column]) for row in [head, *rows])) for column in range(len(head))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [head, *rows]]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
