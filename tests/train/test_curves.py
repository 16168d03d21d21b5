from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.train.curves import Line, draw_chart, running_mean, ticks

VALUES = st.floats(-1e9, 1e9) | st.sampled_from([float("inf"), float("nan"), 0.0])


@given(values=st.lists(VALUES, max_size=6), name=st.text(max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_values_make_a_drawing_without_a_number_that_is_none(
    values: list[float], name: str
) -> None:
    points = [(float(step), value) for step, value in enumerate(values)]
    drawn = draw_chart("a < b & c", [Line("loss", points, is_noisy=True)], [2.0])
    if drawn:
        ElementTree.fromstring(drawn)
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_points_lie_where_the_scale_says() -> None:
    drawn = draw_chart("t", [Line("a", [(0.0, 1.0), (10.0, 3.0)])])
    [polyline] = [e for e in ElementTree.fromstring(drawn).iter() if e.tag == "polyline"]
    (x0, y0), (x1, y1) = (map(float, p.split(",")) for p in polyline.attrib["points"].split()[:2])
    assert (x0, x1) == (58.0, 546.0)
    assert y0 > y1  # upwards on the page is less


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6))
@settings(max_examples=60, deadline=None)
def test_ticks_are_few_and_within(low: float, width: float) -> None:
    marks = ticks(low, low + width)
    assert len(marks) <= 7
    assert all(low - 1e-6 * width <= mark <= low + width * (1 + 1e-6) for mark in marks)


def test_a_running_mean_looks_back_only() -> None:
    points = [(0.0, 0.0), (1.0, 4.0), (2.0, 2.0)]
    assert running_mean(points, 2) == [(0.0, 0.0), (1.0, 2.0), (2.0, 3.0)]
