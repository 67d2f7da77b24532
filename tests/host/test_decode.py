from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celltrail.evidence.decode import read_record
from celltrail.evidence.record import Instant, Run
from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail_protocol import codes, frames
from celltrail_protocol.layout import pack
from tests.host.forge import ADXL372, START_UTC_MS, TMP117, UID, Forge, a_plan, box_series, five_days

NOWHERE = Path("a.trail")


def record_of(parts):
    return read_record(parse_trail(trail_bytes(parts), NOWHERE))


def test_readings_come_back_bit_by_bit():
    record = record_of(five_days().closed_parts())
    channel = record.channels[0]
    expected = box_series(7200)
    expected[4000:4120] = [value + 500 for value in expected[4000:4120]]
    slots = [slot for slot in range(7200) if not 1000 <= slot < 1004 and not 1500 <= slot < 1502]
    assert channel.slots.tolist() == slots
    assert channel.raw.tolist() == [expected[slot] for slot in slots]
    assert channel.celsius.tolist() == [expected[slot] * 0.0078125 for slot in slots]
    assert record.flaws == ()


def test_what_is_missing_has_its_reason():
    runs = record_of(five_days().closed_parts()).runs
    assert Run(0, 1000, 1004, "missing", codes.FAULT_ABSENT) in runs
    assert Run(None, 1500, 1502, "gap", codes.GAP_LATE) in runs


def test_identity_settings_and_sensors():
    forge = five_days()
    record = record_of(forge.closed_parts())
    assert (record.uid, record.trip, record.name, record.period_ms) == (UID, 3, "CT-3F2A91", 60_000)
    assert record.plan_bytes == forge.settings
    assert record.plan["profile"] == "2-8C"
    assert [record.channels[0].sensor.model, record.channels[0].sensor.step_nK] == list(TMP117[:2])
    assert record.accel_model == ADXL372[0]
    assert not record.simulated


def test_a_clock_of_a_virtual_world_makes_the_trip_simulated():
    forge = Forge()
    forge.clock(START_UTC_MS, source=codes.CLOCK_VIRTUAL)
    assert record_of(forge.running_parts()).simulated


def test_events_have_the_tick_of_their_boot():
    record = record_of(five_days().closed_parts())
    assert [(mark.kind, mark.place, mark.note, mark.proven) for mark in record.marks] == [
        (codes.MARK_PACKED, "Leipzig", "box 7", True),
        (codes.MARK_HANDED_OVER, "LEJ", "", False),
    ]
    assert [(alarm.alarm, alarm.value_raw, alarm.slot) for alarm in record.alarms] == [(0, 1140, 4060)]
    assert [fault.code for fault in record.faults] == [codes.FAULT_BUS]
    assert [command.operator for command in record.commands] == ["OP7"]
    assert [boot.at for boot in record.boots] == [Instant(2, 10_000)]
    assert [change.state for change in record.states] == [codes.STATE_ARMED, codes.STATE_LOGGING, codes.STATE_STOPPED]
    assert record.states[-1].at.boot == 2


def test_slots_lie_on_the_schedule_of_their_boot():
    record = record_of(five_days().closed_parts())
    boots, ticks = record.instants_of(np.array([0, 1, 5999, 6000, 7199]))
    assert boots.tolist() == [1, 1, 1, 2, 2]
    assert ticks.tolist() == [10_000, 70_000, 10_000 + 5999 * 60_000, 10_000, 10_000 + 1199 * 60_000]


def test_a_shock_has_its_figures_and_waveform():
    record = record_of(five_days().closed_parts())
    (shock,) = record.shocks
    assert shock.peak == (340, 113, 180)
    assert shock.base == (0, 0, 10)
    # 0.1 g steps at 1600 Hz: sums of 510, 169 and 255 steps.
    assert shock.velocity_m_s == pytest.approx([n * 0.1 * 9.80665 / 1600 for n in (510, 169, 255)])
    assert shock.largest == (0, pytest.approx(34.0))
    assert shock.duration_ms == pytest.approx(4 / 1.6)
    assert [len(axis) for axis in shock.waves] == [64, 64, 64]
    assert shock.waves[0][16:22].tolist() == [0, 120, 340, 200, -150, -20]


def test_a_waveform_with_a_missing_piece_is_not_shown():
    forge = Forge()
    forge.frame(frames.SHOCK, 0, 5, 0, 1_600_000, (0, 0, 0), (1, 1, 1), (1, 1, 1), 1, 1, frames.SHOCK_WAVE, 32, 8)
    forge.frame(frames.WAVE, 0, 0, 0, 16, b"\x00\x00\x3c")
    (shock,) = record_of(forge.running_parts()).shocks
    assert shock.waves == ()


def test_pending_readings_stand_behind_the_packed_ones():
    forge = Forge(channels=(TMP117, TMP117))
    forge.begin()
    forge.readings(0, [1, 2, 3])
    forge.readings(0, [4, 5, 6], channel=1)
    forge.pend(3, [7, None], bytes([codes.FAULT_OPEN]))
    forge.pend(4, [8, 9])
    record = record_of(forge.running_parts())
    assert record.channels[0].raw.tolist() == [1, 2, 3, 7, 8]
    assert record.channels[1].slots.tolist() == [0, 1, 2, 4]
    assert Run(1, 3, 4, "missing", codes.FAULT_OPEN) in record.runs
    assert record.pending == 3


def test_of_two_readings_for_a_slot_the_first_counts():
    forge = Forge()
    forge.begin()
    forge.readings(0, [1, 2, 3])
    forge.readings(2, [9, 4])
    channel = record_of(forge.running_parts()).channels[0]
    assert (channel.slots.tolist(), channel.raw.tolist()) == ([0, 1, 2, 3], [1, 2, 3, 4])


@pytest.mark.parametrize("many", [1, 200])
def test_unknown_frames_are_skipped(many):
    forge = Forge()
    forge.begin()
    for _ in range(many):
        forge.put(0x99, b"private")
    forge.readings(0, [1, 2, 3])
    record = record_of(forge.running_parts())
    assert record.channels[0].raw.tolist() == [1, 2, 3]
    assert record.flaws == ()


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        pytest.param(frames.CLOCK, b"\x01", "clock.boot", id="too short"),
        pytest.param(frames.READINGS, b"\x00\x00", "packed values", id="readings too short"),
        pytest.param(frames.READINGS, b"\x00" * 6 + b"\x01\x00\xc0", "packed values", id="readings without count"),
        pytest.param(frames.READINGS, b"\x00" * 5 + b"\x01\x01\x00\xc0", "packed values", id="order 3"),
        pytest.param(frames.WAVE, b"\x00" * 5 + b"\x09\x01\x00", "packed values", id="wave"),
        pytest.param(
            frames.MARK,
            pack(frames.TABLES[frames.MARK], (1 << 60, 1, 0, 0, b"", b"", b"")),
            "beyond all times",
            id="a tick of 35,000 years",
        ),
        pytest.param(
            frames.CLOCK, pack(frames.TABLES[frames.CLOCK], (1, 1 << 62, 5, 0, 1)), "beyond all times", id="a clock too"
        ),
        pytest.param(frames.BOOT, pack(frames.TABLES[frames.BOOT], (1, 1, 1, 0, 1 << 63, 1)), "beyond", id="schedule"),
    ],
)
def test_a_frame_that_makes_no_sense_is_a_flaw_and_the_rest_is_read(kind, payload, words):
    forge = Forge()
    forge.begin()
    place = forge.used
    forge.put(kind, payload)
    forge.readings(0, [1, 2, 3])
    record = record_of(forge.running_parts())
    (flaw,) = record.flaws
    assert words in flaw.text
    assert flaw.sector == 0
    assert place <= flaw.offset < flaw.end
    assert record.channels[0].raw.tolist() == [1, 2, 3]


def test_a_sector_of_another_trip_is_left_out():
    mine, other = Forge(), Forge(trip=4)
    mine.begin()
    mine.readings(0, [1, 2, 3])
    mine.roll()
    other.begin()
    other.readings(3, [4, 5])
    other.roll()
    record = record_of(TrailParts(mine.meta(), [(0, mine.sealed[0] + other.sealed[0])]))
    assert record.channels[0].raw.tolist() == [1, 2, 3]
    assert "another trip" in record.flaws[0].text


def test_text_for_people_has_no_control_characters():
    forge = Forge()
    forge.begin()
    forge.mark(codes.MARK_FREE, "a\x1b[31mb\n", "\u202e", operator="\x00")
    (mark,) = record_of(forge.running_parts(name="x\x07")).marks
    assert (mark.place, mark.note, mark.operator) == ("a\ufffd[31mb\ufffd", "\ufffd", "\ufffd")


def test_a_read_out_without_any_sector_is_an_empty_record():
    record = record_of(TrailParts({"uid": UID, "trip": 9}))
    assert (record.trip, record.channels, record.plan) == (9, (), None)


def test_strange_read_out_records_are_survived():
    for meta in ({"uid": 5, "trip": "x", "pairs": 7, "status": [], "name": 3}, {"pairs": [[1], "x", [1, 2, 3, 4, -5]]}):
        assert record_of(TrailParts(meta)).clock_pairs == ()


@settings(max_examples=60)
@given(st.data())
def test_changed_bytes_give_a_record_or_flaws_and_nothing_else(data):
    forge = Forge(settings=a_plan(shock=[500, 0, 1, 16, 16, 1]))
    forge.arm()
    forge.begin()
    forge.mark(codes.MARK_PACKED, "here")
    forge.readings(0, box_series(700))
    forge.shock([[0] * 16 + [200] * 16] * 3, pre=16)
    forge.pend(700, [5])
    raw = bytearray(trail_bytes(forge.running_parts()))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(16, len(raw) - 1))] = data.draw(st.integers(0, 255))
    record = read_record(parse_trail(bytes(raw), NOWHERE))
    assert all(len(channel.slots) == len(channel.raw) for channel in record.channels)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(frames.TABLES)), st.binary(max_size=80)), max_size=30),
    st.binary(max_size=60),
)
def test_random_frames_with_right_checks_give_a_record(contents, pending):
    forge = Forge()
    for kind, payload in contents:
        if kind != frames.CHECKPOINT:
            forge.put(kind, payload)
    forge.pending = pending
    record = read_record(parse_trail(trail_bytes(forge.running_parts()), NOWHERE))
    assert all((np.diff(channel.slots) > 0).all() for channel in record.channels)
