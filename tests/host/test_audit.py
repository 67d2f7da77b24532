"""The audit trail: what an inspector reads, and what a file must hold for it."""

import json
from pathlib import Path

import pytest

from celltrail.cli.main import run
from celltrail.evidence.trail import parse_trail, trail_bytes, write_trail
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.views.audit import audit_of
from celltrail.views.summary import summarize
from celltrail_protocol import codes, frames, smp
from tests.host.forge import K0, START_UTC_MS, UID, Forge, a_plan

GOLDEN = Path(__file__).parent / "golden" / "audit.txt"
HOUR_MS = 3_600_000
ARMED_MS = 5000


def command(forge, number, operator, flags=0, detail=0):
    forge.frame(frames.COMMAND, forge.now_ms, number, operator.encode(), flags, detail)


def earlier(forge, number, operator, *, boot=1, tick_ms=1000, flags=0, detail=0, utc_ms=0, trip=0, dropped=0):
    values = (dropped, boot, tick_ms, number, operator.encode(), flags, detail, utc_ms, trip)
    forge.frame(frames.EARLIER, *values)


def a_trip():
    """Everything that leaves a word, in the order in which a logger writes it."""
    forge = Forge(settings=a_plan(alarms=[[0, 0, 0, 1024, 1800]]))
    forge.now_ms = ARMED_MS
    before_ms = START_UTC_MS - 20 * HOUR_MS
    earlier(forge, smp.CMD_ACKNOWLEDGE, "LAB-7", boot=0, detail=4096 + 960, utc_ms=before_ms, trip=2, dropped=2)
    earlier(forge, smp.CMD_ERASE, "LAB-7", boot=0, flags=frames.COMMAND_DISCARDED, utc_ms=before_ms + HOUR_MS, trip=2)
    earlier(forge, smp.CMD_ROTATE, "QA-1", boot=0)
    earlier(forge, smp.CMD_CHALLENGE, "", tick_ms=3000, flags=frames.COMMAND_WRONG_KEY)
    command(forge, smp.CMD_ARM, "LAB-7", frames.COMMAND_DISCARDED, 1)
    forge.arm()
    forge.begin()
    forge.readings(0, [640] * 60)
    forge.now_ms = HOUR_MS
    forge.mark(codes.MARK_HANDED_OVER, "LEJ", operator="")
    forge.mark(codes.MARK_BUTTON, operator="", flags=frames.MARK_BY_BUTTON)
    command(forge, smp.CMD_CLOCK, "GH-042", detail=20)
    forge.clock(START_UTC_MS - ARMED_MS + 3 * HOUR_MS, 20)
    forge.frame(frames.FAULT, forge.now_ms, codes.SOURCE_LINK, codes.FAULT_WRONG_KEY, 0)
    forge.alarm(0, 0, 1030, 59)
    command(forge, smp.CMD_ACKNOWLEDGE, "GH-042", detail=800)
    forge.reboot(60)
    forge.now_ms = 60_000
    command(forge, smp.CMD_ROTATE, "QA-1")
    command(forge, smp.CMD_STOP, "LAB-7")
    forge.state(codes.STATE_STOPPED, codes.REASON_COMMAND)
    forge.seal(1)
    return forge


def summary(forge):
    return summarize(check_trail(parse_trail(trail_bytes(forge.closed_parts(operator="LAB-7")), Path("a.trail")), None))


@pytest.fixture
def trip(tmp_path):
    path = tmp_path / "trip.trail"
    write_trail(path, a_trip().closed_parts(operator="LAB-7"))
    KeyStore(tmp_path / "keys").save_trip(UID, 3, K0)
    return path


def show(trip, *options):
    return run(["show", "--audit", str(trip), "--keys", str(trip.parent / "keys"), *options])


def test_the_text_is_the_reviewed_one(trip, capsys):
    assert show(trip) == 0
    out = capsys.readouterr().out
    assert out == GOLDEN.read_text(encoding="utf-8")
    assert max(len(line) for line in out.splitlines()) <= 80
    assert out.isascii()


def test_json_says_the_same(trip, capsys):
    assert show(trip, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    events = document["audit"]
    assert (document["trip"], document["logger"]["name"]) == (3, "CT-3F2A91")
    assert [one["what"] for one in events][:6] == ["not kept", "acknowledge", "erase", "rotate", "wrong key", "arm"]
    assert events[2]["utc"] == "2025-02-28T13:00:00.000Z"
    assert (events[2]["utc_told"], events[2]["utc_bound_ms"]) == (True, None)
    assert (events[4]["utc_told"], events[4]["how"]) == (False, "open")
    assert K0.hex() not in json.dumps(document)


def test_every_word_has_its_proof():
    found = {(one.what, one.who): one.how for one in audit_of(summary(a_trip()))}
    assert found["arm", "LAB-7"] == "key"
    assert found["mark", ""] == "button"
    assert found["wrong key", ""] == "logger"
    assert found["restart", ""] == "logger"
    assert found["read-out", "LAB-7"] == "host"


def test_old_and_new_time_stand_side_by_side():
    (clock,) = [one for one in audit_of(summary(a_trip())) if one.what == "clock"]
    assert clock.details == ("clock set to 2025-03-01 10:59:55 UTC +-20 ms, was 2025-03-01 08:59:55 UTC, moved by +2 h")


def test_a_trip_of_nothing_has_its_read_out_at_least():
    forge = Forge()
    (event,) = audit_of(summarize(check_trail(parse_trail(trail_bytes(forge.running_parts()), Path("a.trail")), None)))
    assert event.what == "read-out"


@pytest.mark.parametrize(
    ("sources", "what", "words"),
    [
        ([{"name": "a.trail", "operator": "OP1"}, {"name": "b\n"}], "merge", "a.trail by OP1, b\ufffd by nobody named"),
        ([7], "merge", None),
        ("x", "merge", None),
        ([], "read-out", None),
    ],
)
def test_who_merged_is_not_who_read_out(sources, what, words):
    forge = Forge()
    parts = forge.running_parts(operator="OP9", sources=sources)
    event = audit_of(summarize(check_trail(parse_trail(trail_bytes(parts), Path("m.trail")), None)))[-1]
    assert (event.what, event.who) == (what, "OP9")
    assert event.details.partition("; read out as ")[2].rpartition(";")[0] == (words or "")


def test_odd_numbers_and_texts_are_shown():
    forge = Forge()
    forge.now_ms = 1
    command(forge, 200, "\x1b[31m", 255, 7)
    earlier(forge, 201, "\n", utc_ms=1 << 40, trip=9, flags=8)
    forge.state(77, 88)
    events = audit_of(summary_of_running(forge))
    assert [one.what for one in events[:3]] == ["command 201", "command 200", "state"]
    assert all(one.who.isprintable() for one in events)


def summary_of_running(forge):
    return summarize(check_trail(parse_trail(trail_bytes(forge.running_parts()), Path("a.trail")), None))


def test_a_time_beyond_all_times_is_a_flaw():
    forge = Forge()
    earlier(forge, smp.CMD_ERASE, "X", utc_ms=1 << 60)
    record = summary_of_running(forge).checked.record
    assert record.earlier == ()
    assert "beyond all times" in record.flaws[0].text
