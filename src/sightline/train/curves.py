"""Line charts as SVG text, without a plotting library. Enter at `draw_chart`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 14.0, 26.0, 34.0
_COLOURS = ("#1f6fb4", "#d1632b", "#2c8a4b", "#8a4fb0", "#b0922b", "#5b6770", "#c03a5b", "#208f94")
_MOST_POINTS = 600  # a line: more than a screen shows


@dataclass(frozen=True, slots=True)
class Line:
    """One named line."""

    name: str
    points: Sequence[tuple[float, float]]  # steps and values, in order
    is_noisy: bool = False  # drawn pale, under its running mean


def draw_chart(title: str, lines: Sequence[Line], marks: Sequence[float] = ()) -> str:
    """Return an SVG element; values that are not finite are left out.

    Args:
        title: What stands above.
        lines: At least one point among them.
        marks: Steps at which a new stage begins: thin upright lines.
    """
    kept = [Line(one.name, _finite(one.points), one.is_noisy) for one in lines]
    every = [point for one in kept for point in one.points]
    if not every:
        return ""
    across = _Scale(min(x for x, _ in every), max(x for x, _ in every), _LEFT, WIDTH - _RIGHT)
    low, high = _span([y for _, y in every])
    up = _Scale(low, high, HEIGHT - _BOTTOM, _TOP)
    drawn = [_frame(title, across, up)]
    drawn += [
        f'<line x1="{across(x):.1f}" x2="{across(x):.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" '
        'stroke="#b8c0c6" stroke-dasharray="3 3"/>'
        for x in marks
        if across.low < x < across.high
    ]
    for number, one in enumerate(kept):
        drawn.append(_path(one, _COLOURS[number % len(_COLOURS)], across, up))
    size = f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" height="{HEIGHT:g}"'
    chart = f'<svg {size} role="img" aria-label="{escape(title)}">{"".join(drawn)}</svg>'
    return f"<figure>{chart}{_legend(kept)}</figure>"


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to places on the page."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low or 1.0)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from low to high.

    Example:
        >>> ticks(0.0, 1.0)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def running_mean(points: Sequence[tuple[float, float]], window: int) -> list[tuple[float, float]]:
    """Return each point's mean with the `window - 1` before it."""
    means: list[tuple[float, float]] = []
    for place, (x, _) in enumerate(points):
        part = [y for _, y in points[max(0, place + 1 - window) : place + 1]]
        means.append((x, sum(part) / len(part)))
    return means


def _finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(y)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return limits with a little air; from zero where that wastes less than half."""
    low, high = min(values), max(values)
    if 0 < low < 0.5 * high:
        low = 0.0
    air = 0.04 * (high - low) or 0.1 * abs(high) or 1.0
    return (low if low == 0 else low - air), high + air


def _frame(title: str, across: _Scale, up: _Scale) -> str:
    parts = [f'<text x="{_LEFT}" y="15" class="title">{escape(title)}</text>']
    for value in ticks(up.low, up.high):
        y = up(value)
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e8eb"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for value in ticks(across.low, across.high):
        parts.append(
            f'<text x="{across(value):.1f}" y="{HEIGHT - _BOTTOM + 15}" '
            f'text-anchor="middle">{value:,.6g}</text>'
        )
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">step</text>')
    return "".join(parts)


def _path(line: Line, colour: str, across: _Scale, up: _Scale) -> str:
    if not line.is_noisy:
        return _polyline(line.points, colour, across, up, 1.8)
    mean = running_mean(line.points, max(1, min(25, len(line.points) // 8)))
    pale = _polyline(line.points, colour, across, up, 0.6)
    return f'<g opacity="0.35">{pale}</g>{_polyline(mean, colour, across, up, 1.8)}'


def _polyline(
    points: Sequence[tuple[float, float]], colour: str, across: _Scale, up: _Scale, width: float
) -> str:
    every = max(1, math.ceil(len(points) / _MOST_POINTS))
    shown = [*points[::every], *points[-1:]]
    if len(points) == 1:
        (x, y), *_ = points
        return f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>'
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in shown)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _legend(lines: Sequence[Line]) -> str:
    names = [
        f'<span><i style="background:{_COLOURS[number % len(_COLOURS)]}"></i>'
        f"{escape(line.name)}{f' {line.points[-1][1]:.4g}' if line.points else ''}</span>"
        for number, line in enumerate(lines)
    ]
    return f"<figcaption>{''.join(names)}</figcaption>"
