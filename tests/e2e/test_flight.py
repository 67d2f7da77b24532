"""The radio of a whole trip: knocked awake on the ground, suspended in both flights, and all of it in the record."""

from dataclasses import replace

import pytest

from celltrail.virtual import make_scenario
from celltrail.virtual.air_link import Conditions
from celltrail.virtual.handling import knocking
from celltrail.virtual.radio_room import RadioRoom
from celltrail.virtual.replay import merge_shocks
from celltrail_protocol import codes
from tests.e2e.conftest import HOUR_MS, START_UTC_MS

KNOCKED_S = 900


def lane(chip):
    """A day from hospital to laboratory, with a barometer; somebody knocks soon after the start."""
    stimulus = make_scenario("box", seed=3, days=1.0, start_utc_ms=START_UTC_MS, barometer=True)
    shocks = merge_shocks((knocking(KNOCKED_S),), stimulus.shocks)
    return replace(stimulus, shocks=shocks, accelerometer=chip)


@pytest.fixture
def room():
    """A virtual radio that outlives its loggers."""
    with RadioRoom(Conditions()) as made:
        yield made


@pytest.mark.parametrize("chip", [codes.MODEL_ADXL372, codes.MODEL_ADXL345])
def test_knocked_awake_and_suspended_in_flight(room, cli, start, chip):
    logger = start(lane(chip), speed="max", pauses_ms=(23 * HOUR_MS,), radio=room)
    device = ("-d", logger.address)
    cli("provision", *device)
    said = cli("arm", "2-8C", "--flight", "automatic", "--yes", *device).err
    assert "suspended in flight: below 900 hPa" in said
    logger.wait_for("paused", 100)
    cli("download", *device, "-o", "day.trail")
    document = cli("show", "day.trail", "--audit", "--json").json
    events = [(one["utc"][11:16], one["details"]) for one in document["audit"] if one["what"] == "radio"]
    told = [details.split(",")[0] for _, details in events]
    # Who armed may be gone before the logger has looked at its cable again.
    if told[0] == "on: cable":
        events, told = events[2:], told[2:]
    # The knocks; two flights, of which nobody asks for the radio; the cable of who read it out.
    assert told[:2] == ["on: knock", "off"]
    assert [one.partition(":")[0] for one in told[2:6]] == ["suspended", "off", "suspended", "off"]
    assert told[6:] == ["on: cable"]
    flown_min = [minutes(end) - minutes(begin) for (begin, _), (end, _) in (events[2:4], events[4:6])]
    assert all(30 < one < 180 for one in flown_min)


def minutes(text):
    hours, rest = text.split(":")
    return int(hours) * 60 + int(rest)


def test_automatic_is_refused_without_two_sources_and_always_is_warned_of(room, cli, start):
    logger = start(radio=room)
    device = ("-d", logger.address)
    cli("provision", *device)
    refused = cli("arm", "2-8C", "--radio-on", "always", "--flight", "automatic", "--yes", *device, expect=2).err
    assert "needs two independent sources, and the logger has not got a pressure sensor" in refused
    said = cli("arm", "2-8C", "--radio-on", "always", "--yes", *device).err
    assert "NOTHING SUSPENDS IT IN FLIGHT" in said
    assert "on (always on)" in cli("status", *device).out
    cli("mark", "packed", "-d", f"ble://{logger.ble_address}", "--radio", room.address)
