"""Groups of bars as SVG text, without a plotting library. Enter at `draw_bars`."""

from collections.abc import Mapping
from html import escape

WIDTH = 640.0
_LEFT, _RIGHT, _TOP, _ROW, _GAP = 150.0, 70.0, 34.0, 20.0, 30.0
_COLOUR, _BEST = "#8fb4d4", "#1f6fb4"


def draw_bars(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Return an SVG document: a group for each measure, a bar for each contestant.

    Args:
        title: What stands above.
        groups: Measure → contestant → value, more being better; bars of a group are in proportion.
    """
    drawn, top = [_text(10.0, 20.0, title, "bold")], _TOP
    for name, values in groups.items():
        drawn.append(_text(10.0, top + 14, name, "bold"))
        top += _ROW
        for contestant, value in values.items():
            drawn.append(_bar(contestant, value, max(values.values()), top))
            top += _ROW
        top += _GAP - _ROW
    size = f'viewBox="0 0 {WIDTH:g} {top:g}" width="{WIDTH:g}" height="{top:g}"'
    back = f'<rect width="{WIDTH:g}" height="{top:g}" fill="#ffffff"/>'
    label = escape(title, quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}" '
        f'font-family="sans-serif" font-size="12">{back}{"".join(drawn)}</svg>\n'
    )


def _bar(name: str, value: float, most: float, top: float) -> str:
    """Draw one bar with its name before and its value behind."""
    long = (WIDTH - _LEFT - _RIGHT) * (value / most if most > 0 else 0.0)
    colour = _BEST if value == most else _COLOUR
    return (
        _text(20.0, top + 14, name)
        + f'<rect x="{_LEFT:g}" y="{top + 3:g}" width="{long:.1f}" height="14" fill="{colour}"/>'
        + _text(_LEFT + long + 6, top + 14, f"{value:,.1f}")
    )


def _text(x: float, y: float, words: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:g}" font-weight="{weight}">{escape(words)}</text>'
