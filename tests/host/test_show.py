import json
from pathlib import Path

import numpy as np
import pytest

from celltrail.cli.main import run
from celltrail.evidence.limits import outside
from celltrail.evidence.trail import parse_trail, trail_bytes, write_trail
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.views.axis import extremes
from celltrail.views.plot_terminal import plot_lines
from celltrail.views.show_text import summary_lines
from celltrail.views.summary import summarize, to_json
from tests.host.forge import K0, UID, Forge, a_plan, box_series, five_days

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def keys(tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_trip(UID, 3, K0)
    return store


@pytest.fixture
def trip(tmp_path, keys):
    path = tmp_path / "trip.trail"
    write_trail(path, five_days().closed_parts())
    return path


def summary_of(parts, keys=None):
    return summarize(check_trail(parse_trail(trail_bytes(parts), Path("a.trail")), keys))


def golden(name):
    """A reviewed text; it is changed by hand, by a person who has read the difference."""
    return (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["verify", "show"])
def test_the_text_is_the_reviewed_one(command, trip, keys, capsys):
    assert run([command, str(trip), "--keys", str(keys.folder)]) == 0
    assert capsys.readouterr().out == golden(f"{command}.txt")


def test_the_verdict_on_an_altered_trip_is_the_reviewed_one(trip, keys, capsys):
    data = bytearray(trip.read_bytes())
    data[6000] ^= 1
    trip.write_bytes(data)
    assert run(["verify", str(trip), "--keys", str(keys.folder)]) == 1
    assert capsys.readouterr().out == golden("verify-altered.txt")


def test_the_verdict_without_live_proof_is_the_reviewed_one(tmp_path, keys, capsys):
    path = tmp_path / "trip.trail"
    write_trail(path, five_days(close=False).running_parts(live=False))
    assert run(["verify", str(path), "--keys", str(keys.folder)]) == 1
    assert capsys.readouterr().out == golden("verify-open.txt")


def test_show_fits_80_columns_and_has_no_colours_in_a_pipe(trip, keys, capsys):
    run(["show", str(trip), "--keys", str(keys.folder)])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_json_is_one_document(trip, keys, capsys):
    assert run(["show", str(trip), "--keys", str(keys.folder), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["verdict"], shown["trip"], len(shown["marks"]), len(shown["shocks"])) == ("closed", 3, 2, 1)
    assert shown["channels"][0]["readings"] == 7194
    assert run(["verify", str(trip), "--keys", str(keys.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["intact"] is True


def test_a_damaged_file_is_shown_only_when_asked(trip, keys, capsys):
    trip.write_bytes(trip.read_bytes()[:-60])
    assert run(["show", str(trip), "--keys", str(keys.folder)]) == 2
    assert "cut off" in capsys.readouterr().err
    assert run(["show", str(trip), "--keys", str(keys.folder), "--damaged"]) == 0
    assert "PARTS MISSING" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["verify"], ["show"]])
def test_bad_files_and_stores_are_one_line(command, tmp_path, trip, capsys):
    foreign = tmp_path / "a.csv"
    foreign.write_text("utc,celsius\n")
    for arguments in ([str(foreign)], [str(tmp_path / "none.trail")], [str(trip), "--keys", str(tmp_path / "no")]):
        assert run([*command, *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("celltrail: ")
        assert captured.err.count("\n") == 1


def test_no_key_is_exit_code_5(trip, tmp_path, capsys):
    (tmp_path / "empty").mkdir(mode=0o700)
    assert run(["verify", str(trip), "--keys", str(tmp_path / "empty")]) == 5
    assert "complete; seals not checked" in capsys.readouterr().out


def test_statistics_are_exact():
    forge = Forge()
    forge.begin()
    forge.readings(0, [0, 128, 256, 1024])
    (statistics,) = to_json(summary_of(forge.running_parts()))["channels"]
    assert (statistics["lowest_c"], statistics["mean_c"], statistics["highest_c"]) == (0.0, 2.75, 8.0)


def test_time_outside_counts_the_limit_itself_and_the_longest_stretch():
    forge = Forge(settings=a_plan(alarms=[[0, 0, 0, 100, 60], [0, 0, 1, 100, 600], [0, 1, 0, 10, 0]]))
    forge.arm()
    forge.begin()
    forge.readings(0, [99, 100, 101, 99, 100, 100, 100])
    forge.missing(7, 1)
    forge.readings(8, [100, 10, 11])
    above, below = outside(summary_of(forge.running_parts()).checked.record)
    assert (above.readings, above.total_s, above.longest_s) == (6, 360.0, 180.0)
    assert (below.readings, below.total_s, below.longest_s) == (1, 60.0, 60.0)


def test_outages_are_joined_and_named():
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, [1, 2])
    forge.missing(2, 3)
    forge.missing(5, 2)
    forge.gap(7, 1)
    forge.reboot(8)
    forge.readings(8, [3])
    outages = summary_of(forge.running_parts()).outages
    assert [(one.channel, one.slots, one.reason) for one in outages] == [
        (0, 5, "sensor does not answer"),
        (None, 1, "logger was busy"),
        (None, 0, "restart (power on)"),
    ]


def test_a_trip_without_readings_can_be_shown(keys):
    forge = Forge()
    forge.arm()
    summary = summary_of(forge.running_parts(), keys)
    assert "no reading has a known time" in summary_lines(summary)
    assert plot_lines(summary, 80, colors=False) == []


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_plot_is_as_wide_as_asked(width):
    lines = plot_lines(summary_of(five_days().closed_parts()), width, colors=False)
    assert max(len(line) for line in lines) == width


def test_a_trip_with_an_unknown_clock_is_told_in_time_since_power_on():
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(400))
    forge.mark(6)
    lines = summary_lines(summary_of(forge.running_parts()))
    assert any("0 d 06:39 since power-on  stored by OP7" in line for line in lines)


def test_thinning_keeps_every_extreme():
    chance = np.random.default_rng(5)
    x = np.arange(100_000, dtype=np.float64)
    y = chance.normal(size=100_000)
    y[31_415], y[27_182] = 99.0, -99.0
    thin_x, thin_y = extremes(x, y, 500)
    assert len(thin_x) <= 2000
    assert thin_y.max() == 99.0
    assert thin_y.min() == -99.0
    assert (np.diff(thin_x) > 0).all()
    assert (thin_x[0], thin_x[-1]) == (x[0], x[-1])
    assert np.isin(thin_y, y).all()


def test_few_points_are_not_thinned():
    x = np.arange(100.0)
    assert extremes(x, x, 50)[0] is x
