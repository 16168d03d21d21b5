import xml.etree.ElementTree as ElementTree

from sightline.measure.bars import draw_bars

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_in_proportion_and_named() -> None:
    drawn = ElementTree.fromstring(draw_bars("A & B", {"speed": {"slow": 1.0, "fast": 4.0}}))
    words = [one.text for one in drawn.iter(f"{SVG}text")]
    assert words == ["A & B", "speed", "slow", "1.0", "fast", "4.0"]
    _, slow, fast = (float(one.attrib["width"]) for one in drawn.iter(f"{SVG}rect"))
    assert fast == 4 * slow > 0
    assert float(drawn.attrib["height"]) > 80


def test_nothing_at_all_is_no_bar() -> None:
    drawn = ElementTree.fromstring(draw_bars("a", {"speed": {"none": 0.0}}))
    assert [one.attrib["width"] for one in drawn.iter(f"{SVG}rect")][1] == "0.0"
