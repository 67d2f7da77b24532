import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.views.summary import summarize
from celltrail.views.svg import svg_text, write_svg
from celltrail.views.svg_draw import Scale, nice_ticks
from celltrail.views.svg_labels import place_labels
from celltrail_protocol import codes
from tests.host.forge import K0, UID, Forge, box_series, five_days

SVG = "{http://www.w3.org/2000/svg}"


def summary_of(parts, keys=None):
    return summarize(check_trail(parse_trail(trail_bytes(parts), Path("a.trail")), keys))


@pytest.fixture(scope="module")
def picture():
    return ET.fromstring(svg_text(summary_of(five_days().closed_parts())))


def groups(picture):
    return {one.get("aria-label"): one for one in picture.iter(f"{SVG}g")}


def test_everything_that_happened_is_drawn_in_its_group(picture):
    found = groups(picture)
    assert set(found) == {"axes", "limits", "outages", "marks", "temperature of channel 0", "alarms", "shocks"}
    assert len(found["marks"].findall(f"{SVG}circle")) == 2
    assert len(found["alarms"].findall(f"{SVG}polygon")) == 1
    assert len(found["outages"].findall(f"{SVG}rect")) == 3
    assert len(found["limits"].findall(f"{SVG}line")) == 2
    assert [one.text for one in found["limits"].iter(f"{SVG}text")] == ["8 \u00b0C", "2 \u00b0C"]


def test_it_speaks_to_those_who_can_not_see_it(picture):
    assert picture.get("role") == "img"
    assert picture.find(f"{SVG}title").text == "Trip 3 of CT-3F2A91: 2-8C"
    text = picture.find(f"{SVG}desc").text
    assert "NOT CHECKABLE" in text
    assert "1 alarm, 2 marks, 1 shock." in text


def test_nothing_lies_outside_the_picture(picture):
    _, _, width, height = (float(number) for number in picture.get("viewBox").split())
    for name, across, down in (
        ("line", ("x1", "x2"), ("y1", "y2")),
        ("circle", ("cx",), ("cy",)),
        ("text", ("x",), ("y",)),
    ):
        for one in picture.iter(SVG + name):
            if one.get(across[0]) is not None and one.get("stroke") is None:
                assert all(0 <= float(one.get(key)) <= width for key in across)
                assert all(0 <= float(one.get(key)) <= height for key in down)
    for one in picture.iter(f"{SVG}polyline"):
        points = [tuple(map(float, point.split(","))) for point in one.get("points").split()]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def test_the_curve_breaks_at_an_outage_and_keeps_its_peak(picture):
    curves = groups(picture)["temperature of channel 0"].findall(f"{SVG}polyline")
    # Four slots are missing, and a restart of 1 h 40 min; two slots of a gap are bridged.
    assert len(curves) == 3
    lowest_pixel = min(float(point.split(",")[1]) for curve in curves for point in curve.get("points").split())
    highest = max(summary_of(five_days().closed_parts()).checked.record.channels[0].celsius)
    (tick8, tick6) = (
        next(one for one in picture.iter(f"{SVG}text") if one.text == text and one.get("text-anchor") == "end")
        for text in ("8", "6")
    )
    y8, y6 = float(tick8.get("y")) - 4, float(tick6.get("y")) - 4
    assert lowest_pixel == pytest.approx(y8 + (highest - 8) * (y8 - y6) / 2, abs=0.3)


def test_text_from_the_trip_can_not_break_the_picture():
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, box_series(50))
    forge.mark(codes.MARK_FREE, "</svg><&\"'", "\x00\x1b]]>", flags=0)
    picture = ET.fromstring(svg_text(summary_of(forge.running_parts(name="<b>&\ufffe"))))
    assert "</svg><&\"'" in "".join(groups(picture)["marks"].itertext())


@pytest.mark.parametrize("kind", ["nothing", "one reading", "no clock", "mark only"])
def test_poor_trips_have_a_picture_too(kind):
    forge = Forge()
    if kind != "no clock":
        forge.arm()
    forge.begin()
    if kind in ("one reading", "no clock"):
        forge.readings(0, [640] if kind == "one reading" else box_series(100))
    if kind == "mark only":
        forge.mark(codes.MARK_PACKED, "here")
    text = svg_text(summary_of(forge.running_parts()))
    ET.fromstring(text)
    assert ("no readings with a known time" in text) == (kind in ("nothing", "mark only"))
    assert ("the clock was never set" in text) == (kind == "no clock")


def test_the_same_trip_gives_the_same_bytes(tmp_path):
    keys = KeyStore(tmp_path / "keys")
    keys.save_trip(UID, 3, K0)
    for name in ("a", "b"):
        write_svg(summary_of(five_days().closed_parts(), keys), tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "CLOSED: complete and untouched" in (tmp_path / "a.svg").read_text()


@given(st.lists(st.tuples(st.floats(0, 1000), st.text("abc ", max_size=50)), max_size=30))
def test_labels_never_cover_each_other(labels):
    placed = place_labels(labels, 4, 1000)
    spans = {}
    for (x, _), label in zip(labels, placed, strict=True):
        if label.text:
            width = len(label.text) * 6.6
            spans.setdefault(label.row, []).append((x - width, x) if label.is_left else (x, x + width))
    for row in spans.values():
        row.sort()
        assert all(one[1] <= two[0] for one, two in zip(row, row[1:], strict=False))


@given(st.floats(-200, 200), st.floats(0.01, 500), st.integers(2, 12))
def test_ticks_are_round_and_not_too_many(low, length, most):
    ticks = nice_ticks(low, low + length, most)
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 <= tick <= low + length + 1e-6 for tick in ticks)


def test_a_scale_keeps_within_its_ends():
    scale = Scale(0, 10, 100, 0)
    assert [scale(value) for value in (-5, 0, 5, 10, 15)] == [100, 100, 50, 0, 0]
