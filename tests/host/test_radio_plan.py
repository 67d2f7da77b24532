"""The radio of a trip: what a profile may say, what becomes of it in a plan, and what the person who arms is told."""

from decimal import Decimal

import pytest

from celltrail.errors import UsageFault
from celltrail.evidence.radio import radio_times
from celltrail.plans.plan_text import describe
from celltrail.plans.planning import to_plan
from celltrail.plans.profile import load_profile, parse_profile
from celltrail.plans.radio import Window, parse_window
from celltrail.plans.sensor import Fitted, Sensor
from celltrail.views.audit import audit_of
from celltrail.views.export_json import record_json
from celltrail_protocol import codes, frames
from tests.host.forge import Forge, a_plan
from tests.host.test_audit import summary

TMP117 = Sensor(codes.MODEL_TMP117, 7_812_500, -7040, 19200, 300)
BMP390 = Sensor(codes.MODEL_BMP390, 4_000_000_000, 7500, 31250, 100)
BARE = Fitted((TMP117,))
SHOCKS = Fitted((TMP117,), codes.MODEL_ADXL372)
ALL = Fitted((TMP117,), codes.MODEL_ADXL345, (BMP390,))
PROFILE = 'name = "x"\ntitle = "x"\nperiod_s = 60\n[shock]\nthreshold_g = 10\n'
HOUR_MS = 3_600_000


def profile(text=""):
    return parse_profile((PROFILE + text).encode(), "x.toml")


def plan(text="", fitted=SHOCKS, policy=None, flight=None, windows=()):
    return to_plan(profile(text).with_radio(policy, flight, windows), fitted)


def lines(made, fitted=SHOCKS):
    return [one for one in describe(made, fitted) if any(word in one for word in ("radio", "cell", "flight", "costs"))]


def test_every_profile_is_off_until_asked_for():
    made = to_plan(load_profile("2-8C"), SHOCKS)
    assert made["radio"] == [codes.RADIO_ASKED, 1000, 300, 7, 2000]
    assert "times" not in made
    assert "flight" not in made
    assert list(made)[-1] == "radio"


def test_without_an_accelerometer_nobody_hears_a_knock():
    assert to_plan(load_profile("2-8C"), BARE)["radio"] == [codes.RADIO_ASKED, 1000, 300, 5, 0]
    quiet = to_plan(load_profile("2-8C").with_changes(shock=False), SHOCKS)
    assert quiet["radio"][3:] == [5, 0]


def test_a_profile_says_all_of_it():
    text = (
        '[radio]\npolicy = "always"\ninterval_ms = 500\non_s = 60\nask_by = ["knock"]\nknock_g = 3.5\n'
        '[[radio.window]]\nat = "06:30"\nfor_s = 1800\n'
        "[radio.flight]\nchange_hPa = 12\nwithin_s = 120\nfloor_hPa = 850\nmotion_g = 0.05\nstill_s = 600\n"
    )
    made = plan(text, ALL)
    assert made["radio"] == [codes.RADIO_ALWAYS, 500, 60, codes.ASK_KNOCK, 3500]
    assert made["times"] == [[6 * 3600 + 1800, 1800, 86400]]
    assert made["flight"] == [1200, 120, 85000, 50, 600]
    assert plan(text, ALL, policy="asked", flight="none")["radio"][0] == codes.RADIO_ASKED
    assert "flight" not in plan(text, ALL, flight="none")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[radio]\npolicy = "never"\n', "policy is 'never'; it must be one of asked, always"),
        ("[radio]\non_s = 5\n", "on_s is 5; it must be a whole number from 30 to 3600"),
        ('[radio]\nask_by = ["whistle"]\n', "must be a list of button, knock, cable"),
        ('[radio]\nask_by = "button"\n', "must be a list of button, knock, cable"),
        ("[radio]\nask_by = [[]]\n", "must be a list of button, knock, cable"),
        ("[radio]\nknock_g = 0.1\n", "knock_g is 0.1; it must be a number from 0.5 to 16"),
        ('[[radio.window]]\nat = "24:00"\nfor_s = 60\n', "it must be a time of day in UTC"),
        ('[[radio.window]]\nat = "06:00"\nfor_s = 59\n', "for_s is 59"),
        ("[[radio.window]]\nat = 6\nfor_s = 60\n", "it must be a time of day in UTC"),
        ('[[radio.window]]\nat = "06:00"\nfor_s = 60\n' * 9, "there at most 8 times"),
        ("[radio]\ncolour = 3\n", "radio.colour is not known"),
        ("[radio.flight]\nstill_s = 1\n", "still_s is 1"),
        ("[radio.flight]\nsill_s = 100\n", "radio.flight.sill_s is not known"),
    ],
)
def test_mistakes_in_a_profile_are_named(text, words):
    with pytest.raises(UsageFault) as fault:
        profile(text)
    assert words in str(fault.value)
    assert str(fault.value).startswith("x.toml: ")


@pytest.mark.parametrize(
    ("fitted", "missing"),
    [(SHOCKS, "a pressure sensor"), (BARE, "a pressure sensor and an accelerometer")],
)
def test_automatic_is_refused_without_a_second_source(fitted, missing):
    with pytest.raises(UsageFault, match=f"two independent sources, and the logger has not got {missing}"):
        plan(fitted=fitted, policy="always", flight="automatic")
    without = Fitted((TMP117,), 0, (BMP390,))
    with pytest.raises(UsageFault, match="has not got an accelerometer"):
        plan(fitted=without, flight="automatic")
    with pytest.raises(UsageFault, match="let shocks be watched"):
        to_plan(profile().with_changes(shock=False).with_radio(None, "automatic"), ALL)


def test_a_threshold_that_rest_would_reach_is_refused():
    coarse = Fitted((TMP117,), codes.MODEL_ADXL372, (BMP390,))
    text = "[radio.flight]\nmotion_g = 0.05\n"
    assert plan(text, ALL)["flight"][3] == 50
    with pytest.raises(UsageFault, match="what an ADXL372 shows at rest; at least 0.06"):
        plan(text, coarse)
    assert plan(fitted=coarse, flight="automatic")["flight"] == [1500, 180, 90000, 100, 300]


def test_words_of_the_command_line_that_are_none():
    for changes, words in (
        (("never", None, ()), "it may be asked or always"),
        ((None, "manual", ()), "it may be automatic or none"),
        ((None, None, (Window(0, 60, 0),) * 9), "at most 8 time windows"),
    ):
        with pytest.raises(UsageFault, match=words):
            profile().with_radio(*changes)


def test_windows_as_they_are_typed():
    assert parse_window("06:00", HOUR_MS) == Window(21600, 3600, 86400)
    assert parse_window("23:59Z", 60_000) == Window(86340, 60, 86400)
    assert parse_window("2026-03-01T06:00Z", 2 * HOUR_MS) == Window(1_772_344_800, 7200, 0)
    assert parse_window("2026-03-01T06:00+01:00", HOUR_MS).from_s == 1_772_341_200
    for at, span_ms, words in (
        ("06:00", 59_000, "1 min to 24 h"),
        ("06:00", 25 * HOUR_MS, "1 min to 24 h"),
        ("noon", HOUR_MS, "write 06:00"),
        ("2026-03-01T06:00", HOUR_MS, "write 06:00"),
    ):
        with pytest.raises(UsageFault, match=words):
            parse_window(at, span_ms)


def test_who_arms_is_told_what_it_costs():
    asked = lines(plan())
    assert asked[0].startswith(
        "the radio is off until asked for by button, 5 knocks of 2 g or cable, then on for 5 min"
    )
    assert asked[1].startswith("each time costs about 2.5 mAh on a Pico W")
    assert asked[2] == "no watch for a flight"
    always = lines(plan(policy="always"))
    assert always[0] == "the radio is ALWAYS on; it advertises every 1 s"
    assert "last at most 2.8 days on a Pico W or 3.1 days on an ESP32" in always[1]
    assert "NOTHING SUSPENDS IT IN FLIGHT" in always[2]
    watched = lines(plan(fitted=ALL, policy="always", flight="automatic"), ALL)
    assert watched[0].startswith("the radio is ALWAYS on while on the ground")
    assert watched[2].startswith("suspended in flight: below 900 hPa, a change of 15 hPa within 3 min")


def test_windows_are_told_with_their_cost():
    told = lines(plan(windows=(Window(21600, 3600, 86400), Window(1_772_344_800, 7200, 0))))
    assert told[1] == "the radio is on every day at 06:00 UTC for 1 h"
    assert told[2] == "the radio is on at 2026-03-01T06:00:00.000Z for 2 h"
    assert "last at most 35 days on a Pico W" in told[3]


def test_nobody_may_ask_is_told():
    assert lines(plan("[radio]\nask_by = []\n"))[0].startswith("the radio is off of its own")


# What the record says


def with_radio():
    forge = Forge(
        settings=a_plan(radio=[1, 1000, 300, 0, 0], shock=[10000, 0, 20, 0, 0, 0], flight=[1500, 180, 90000, 100, 300])
    )
    forge.now_ms = 5000
    forge.arm()
    forge.frame(frames.RADIO, 5000, codes.RADIO_ON, codes.ASK_ALWAYS, 101_325)
    forge.begin()
    forge.readings(0, [640] * 60)
    forge.frame(frames.RADIO, 600_000, codes.RADIO_SUSPENDED, codes.FLIGHT_LOW | codes.FLIGHT_CHANGE, 89_410)
    forge.frame(frames.RADIO, 1_800_000, codes.RADIO_ON, codes.ASK_ALWAYS, 101_000)
    forge.now_ms = HOUR_MS
    forge.frame(frames.RADIO, HOUR_MS, codes.RADIO_OFF, 0, 0)
    forge.reboot(60)
    forge.now_ms = 60_000
    forge.frame(frames.RADIO, 60_000, codes.RADIO_ON, 64, 0)
    forge.now_ms = 90_000
    forge.state(codes.STATE_STOPPED, codes.REASON_COMMAND)
    forge.seal(1)
    return forge


def test_intervals_of_the_record_are_added_up():
    times = radio_times(summary(with_radio()).checked.record)
    assert (times.on, times.suspended) == (3, 1)
    assert times.suspended_ms == 1_200_000
    # The last one lasts until the trip's end in its boot.
    assert times.on_ms == 595_000 + 1_800_000 + 30_000


def test_the_audit_trail_tells_why():
    told = [one.details for one in audit_of(summary(with_radio())) if one.what == "radio"]
    assert told == [
        "on: always on",
        "suspended: low pressure, pressure changes fast, at 894 hPa",
        "on: always on",
        "off",
        # A reason that this program does not know.
        "on",
    ]


def test_json_has_every_change():
    made = record_json(summary(with_radio()).checked)
    assert made["radio"][1]["why"] == ["low pressure", "pressure changes fast"]
    assert made["radio"][1]["pressure_hPa"] == 894.1
    assert made["radio"][3]["pressure_hPa"] is None


def test_knock_is_exact():
    assert plan("[radio]\nknock_g = 0.5\n")["radio"][4] == 500
    assert profile("[radio]\nknock_g = 2.25\n").radio.knock_g == Decimal("2.25")
