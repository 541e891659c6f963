"""Bar charts as SVG, readable on light and dark pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.figures import plain

COLOURS = ("#2f7ed8", "#e0761b", "#8a8d91", "#5f9e4a", "#a05195")
_WIDTH, _HEIGHT = 760, 260  # of a panel
_TOP, _BOTTOM, _SIDE = 52, 40, 20
_TEXT = "#7a7f87"  # a grey that is readable on white and on black


@dataclass(frozen=True)
class Panel:
    """A group of bars for each of `groups`, with one bar for each series; None if a value was not measured."""

    title: str
    groups: Sequence[str]
    series: Mapping[str, Sequence[float | None]]


def document(panels: Sequence[Panel]) -> str:
    """Return the SVG of the panels, one below the other."""
    body = "".join(
        f'<g transform="translate(0 {_HEIGHT * row})">{_panel(each)}</g>\n' for row, each in enumerate(panels)
    )
    height = _HEIGHT * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_TEXT}">\n{body}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    values = [value for bars in panel.series.values() for value in bars if value is not None]
    most = max(values, default=0.0) or 1.0
    parts = [f'<text x="{_SIDE}" y="20" font-size="15" font-weight="600">{escape(panel.title)}</text>', _legend(panel)]
    group_width = (_WIDTH - 2 * _SIDE) / max(1, len(panel.groups))
    bar_width = group_width * 0.8 / max(1, len(panel.series))
    floor = _HEIGHT - _BOTTOM
    for column, group in enumerate(panel.groups):
        left = _SIDE + column * group_width + group_width * 0.1
        for number, bars in enumerate(panel.series.values()):
            value = bars[column]
            if value is None:
                continue
            height = (floor - _TOP) * value / most
            x, y = left + number * bar_width, floor - height
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar_width * 0.9:.1f}" height="{height:.1f}" '
                f'fill="{COLOURS[number % len(COLOURS)]}"/>'
            )
            middle = x + bar_width * 0.45
            parts.append(f'<text x="{middle:.1f}" y="{y - 4:.1f}" text-anchor="middle">{plain(value)}</text>')
        middle = left + group_width * 0.4
        parts.append(f'<text x="{middle:.1f}" y="{floor + 18}" text-anchor="middle">{escape(group)}</text>')
    parts.append(f'<path d="M{_SIDE} {floor}H{_WIDTH - _SIDE}" stroke="{_TEXT}"/>')
    return "\n".join(parts)


def _legend(panel: Panel) -> str:
    parts, x = [], float(_SIDE)
    for number, name in enumerate(panel.series):
        parts.append(f'<rect x="{x:.0f}" y="30" width="10" height="10" fill="{COLOURS[number % len(COLOURS)]}"/>')
        parts.append(f'<text x="{x + 14:.0f}" y="39">{escape(name)}</text>')
        x += 34 + 7 * len(name)
    return "\n".join(parts)
