import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from celltrail.cli.main import run
from celltrail.evidence.limits import outside
from celltrail.evidence.trail import PART_MAGIC, parse_trail, trail_bytes, write_trail
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.operate import part_file
from celltrail.views.axis import extremes
from celltrail.views.plot_terminal import plot_lines
from celltrail.views.show_text import summary_lines
from celltrail.views.summary import summarize, to_json
from celltrail_protocol import codes
from tests.host.forge import K0, START_UTC_MS, UID, Forge, a_plan, box_series, five_days

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


MAIN = "from celltrail.cli.main import main; main()"


def run_process(words, encoding="utf-8", rest=""):
    """The command in a process of its own, with an output of that encoding; its exit code and what it wrote."""
    line = [sys.executable, "-c", MAIN, *map(str, words)]
    if rest:
        line = ["bash", "-c", f'set -o pipefail; "$@" | {rest}', "bash", *line]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run(line, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_output_that_can_not_show_every_letter_gets_ascii_marks(command, encoding, tmp_path, keys):
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.mark(codes.MARK_PACKED, "\u0141\u00f3d\u017a")
    forge.readings(0, box_series(400))
    forge.close()
    write_trail(tmp_path / "a.trail", forge.closed_parts())
    made = run_process([command, tmp_path / "a.trail", "--keys", keys.folder], encoding)
    assert (made.returncode, made.stderr) == (0, b"")
    if command == "show":
        (mark,) = [line for line in made.stdout.decode(encoding).splitlines() if "packed at" in line]
        assert "?" in mark
        plot = made.stdout.decode(encoding).split("packed at")[1].splitlines()[1:]
        assert any("***" in line for line in plot)
        assert "?" not in "".join(plot)


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_the_exit_code_stands_when_the_reader_goes(extra, trip, keys, tmp_path):
    assert run_process(["verify", trip, "--keys", keys.folder, *extra], rest="true").returncode == 0
    (tmp_path / "empty").mkdir(mode=0o700)
    made = run_process(["verify", trip, "--keys", tmp_path / "empty", *extra], rest="true")
    assert (made.returncode, made.stderr) == (5, b"")


def with_outages():
    """Two hours of readings, 45 days without power, two hours more."""
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, [640] * 120)
    forge.reboot(120)
    forge.clock(START_UTC_MS + 45 * 86_400_000)
    forge.readings(120, [640] * 120)
    return forge


def test_verify_tells_restarts_and_the_time_without_power(tmp_path, keys, capsys):
    path = tmp_path / "a.trail"
    write_trail(path, with_outages().running_parts())
    assert run(["verify", str(path), "--keys", str(keys.folder)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  restart ")]
    assert "power on, 44 d 22 h without readings, 2025-03-01 09:59 to 2025-04-15 08:00 UTC, within 52 ms" in line
    run(["verify", str(path), "--keys", str(keys.folder), "--json"])
    (restart,) = json.loads(capsys.readouterr().out)["restarts"]
    assert (restart["cause"], restart["on_utc"]) == ("power on", "2025-04-15T08:00:00.000Z")
    assert 44.9 * 86_400 < restart["without_readings_s"] < 45 * 86_400


def test_a_time_that_is_known_only_roughly_is_flagged(capsys, tmp_path, keys):
    forge = with_outages()
    forge.reboot(240)
    forge.readings(240, [640] * 10)
    forge.reboot(250)
    forge.clock(START_UTC_MS + 46 * 86_400_000)
    forge.readings(250, [640] * 10)
    write_trail(tmp_path / "a.trail", forge.running_parts())
    for command in ("verify", "show"):
        assert run([command, str(tmp_path / "a.trail"), "--keys", str(keys.folder)]) == 0
        assert "the time of some readings is known only within 10 h" in capsys.readouterr().out


def test_the_plot_has_no_line_through_an_outage():
    plot = plot_lines(summary_of(with_outages().running_parts()), 80, colors=False, is_ascii=True)
    (curve,) = [line for line in plot if line.count("*")]
    assert curve.count("*") < 6


def test_the_plot_has_a_legend(trip, keys, capsys):
    run(["show", str(trip), "--keys", str(keys.folder)])
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "M mark, A alarm, S shock; degC from 2025-03-01 08:00 UTC on",
        "dotted: limits of 2 and 8 degC",
    ]


def test_how_the_trip_began_and_ended_is_told(tmp_path, keys, capsys):
    forge = Forge()
    forge.arm()
    forge.now_ms = forge.slot0 = 0
    forge.state(codes.STATE_LOGGING, codes.REASON_BUTTON)
    forge.begin()
    forge.readings(0, [640] * 5)
    forge.close(codes.REASON_FULL)
    write_trail(tmp_path / "a.trail", forge.closed_parts())
    run(["show", str(tmp_path / "a.trail"), "--keys", str(keys.folder)])
    out = capsys.readouterr().out
    assert "began by button (" in out
    assert "ended memory full (" in out
    run(["verify", str(tmp_path / "a.trail"), "--keys", str(keys.folder)])
    assert "  ended     memory full\n" in capsys.readouterr().out


def test_all_events_are_listed_when_asked(tmp_path, keys, capsys):
    forge = Forge()
    forge.arm()
    forge.begin()
    for number in range(30):
        forge.readings(number, [640])
        forge.mark(codes.MARK_PACKED, f"P{number}")
    write_trail(tmp_path / "a.trail", forge.running_parts())
    words = ["show", str(tmp_path / "a.trail"), "--keys", str(keys.folder)]
    assert run(words) == 0
    assert "... and 10 more; --all lists them" in capsys.readouterr().out
    assert run([*words, "--all"]) == 0
    assert "at P29" in capsys.readouterr().out


@pytest.mark.parametrize("length", [1, 5, 15, 16, 20, 30])
def test_of_a_few_bytes_only_what_is_known_is_told(length, trip, keys, capsys):
    trip.write_bytes(trip.read_bytes()[:length])
    assert run(["verify", str(trip), "--keys", str(keys.folder)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("PARTS MISSING")
    assert "trip      unknown" in out
    assert run(["show", str(trip), "--keys", str(keys.folder), "--damaged", "--svg", f"{trip}.svg"]) == 0
    out += capsys.readouterr().out
    assert "-1" not in out
    assert "00000000" not in out
    assert run(["verify", str(trip), "--keys", str(keys.folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["trip"], told["logger"]["uid"]) == (None, None)


def test_an_unfinished_read_out_is_named_so(tmp_path, keys, capsys):
    path = tmp_path / "a.trail.part"
    with part_file.PartFile(path, UID, 3) as part:
        part.keep(0, b"x")
    assert path.read_bytes().startswith(PART_MAGIC)
    assert run(["verify", str(path), "--keys", str(keys.folder)]) == 2
    assert "an unfinished read-out; run the same download again" in capsys.readouterr().err


def test_show_tells_a_bad_verdict_and_does_not_judge(trip, keys, capsys):
    data = bytearray(trip.read_bytes())
    data[6000] ^= 1
    trip.write_bytes(data)
    assert run(["show", str(trip), "--keys", str(keys.folder)]) == 2
    assert "--damaged" in capsys.readouterr().err
    assert run(["show", str(trip), "--keys", str(keys.folder), "--damaged", "--json"]) == 0
    assert "ALTERED: this is not what the logger wrote" in capsys.readouterr().err
    run(["show", "--help"])
    assert "doesn't judge" in capsys.readouterr().out


def test_a_picture_never_replaces_a_read_out(trip, keys, capsys):
    before = trip.read_bytes()
    assert run(["show", str(trip), "--svg", str(trip), "--keys", str(keys.folder)]) == 2
    assert "the evidence" in capsys.readouterr().err
    assert trip.read_bytes() == before
