from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.errors import UsageFault
from celltrail.plans.plan_text import describe
from celltrail.plans.planning import limit_raw, plan_bytes, settings_hash, to_plan
from celltrail.plans.profile import load_profile, parse_profile, profile_names
from celltrail.plans.sensor import Fitted, Sensor, fitted_from_status
from celltrail_protocol import cbor, codes, plan_rules

TMP117 = Sensor(codes.MODEL_TMP117, 7_812_500, -7040, 19200, 100)
CRYO = Sensor(99, 31_250_000, -6400, 6400, 500)
BOX = Fitted((TMP117,), codes.MODEL_ADXL372)
DEWAR = Fitted((CRYO, TMP117), codes.MODEL_ADXL372)

SMALL = """
name = "mine"
title = "My own"
period_s = 10
[[alarm]]
side = "high"
limit_c = 8.0
"""


def test_the_profiles_come_with_the_program():
    assert profile_names() == ["2-8C", "CRT", "LN2", "WHO-TR07-1", "WHO-TR07-2", "dry-ice", "ultra-low"]
    for name in profile_names():
        assert load_profile(name).name == name


@pytest.mark.parametrize("name", profile_names())
def test_a_plan_is_one_that_the_logger_takes(name):
    fitted = DEWAR if name in ("LN2", "dry-ice", "ultra-low") else BOX
    made = to_plan(load_profile(name), fitted)
    plan_rules.validate(made, [(one.low_raw, one.high_raw) for one in fitted.channels])
    assert list(made) == [key for key in plan_rules.KEYS if key in made]
    assert cbor.loads(plan_bytes(made)) == made
    assert plan_bytes(made) == cbor.dumps(made)
    assert len(settings_hash(made)) == 32


@pytest.mark.parametrize("name", ["LN2", "dry-ice", "ultra-low"])
def test_a_sensor_that_ends_too_early_is_refused_in_words(name):
    with pytest.raises(UsageFault, match="TMP117 of channel 0 measures -55 to 150 degC"):
        to_plan(load_profile(name), BOX)


def test_limits_of_2_8C_are_the_sensor_steps_at_the_limit():
    alarms = to_plan(load_profile("2-8C"), BOX)["alarms"]
    assert [0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 1024, 1800] in alarms
    assert [0, codes.ALARM_LOW, codes.ALARM_SINGLE, 256, 1800] in alarms


@given(st.decimals(-50, 150, places=3), st.integers(-7040, 19200), st.sampled_from([7_812_500, 31_250_000, 10_000_000]))
def test_a_reading_is_outside_in_steps_exactly_when_it_is_outside_in_degrees(limit_c, raw, step_nK):
    sensor = Sensor(1, step_nK, -32768, 32767)
    celsius = Decimal(raw) * step_nK / 10**9
    assert (raw >= limit_raw(limit_c, "high", sensor)) == (celsius >= limit_c)
    assert (raw <= limit_raw(limit_c, "low", sensor)) == (celsius <= limit_c)


def test_without_an_accelerometer_no_shocks_are_planned():
    made = to_plan(load_profile("2-8C"), Fitted((TMP117,)))
    assert "shock" not in made
    assert "shocks are not watched: no accelerometer is fitted" in describe(made, Fitted((TMP117,)))


def test_changes_replace_what_they_name_only():
    profile = load_profile("2-8C")
    changed = profile.with_changes(period_s=5, duration_s=None, start="button", shock=False)
    made = to_plan(changed, BOX)
    assert (made["period_ms"], made["duration_s"], made["start"]) == (5000, 0, codes.START_BUTTON)
    assert "shock" not in made
    assert changed.alarms == profile.alarms


def test_an_unknown_start_is_refused_with_what_is_allowed():
    with pytest.raises(UsageFault, match="now, command, delay, button, temperature"):
        load_profile("2-8C").with_changes(start="noon")


def test_alarms_for_all_channels():
    profile = parse_profile((SMALL + 'channels = "all"\n').encode(), "mine.toml")
    assert [entry[:4] for entry in to_plan(profile, DEWAR)["alarms"]] == [[0, 0, 0, 256], [1, 0, 0, 1024]]


def test_a_start_by_temperature():
    text = SMALL + '[start_at]\nchannel = 0\nside = "low"\nlimit_c = 8.004\n'
    profile = parse_profile(text.encode(), "mine.toml").with_changes(start="temperature")
    assert to_plan(profile, BOX)["start_at"] == [0, 1, 1024]
    bare = parse_profile(SMALL.encode(), "mine.toml").with_changes(start="temperature")
    with pytest.raises(UsageFault, match=r"\[start_at\]"):
        to_plan(bare, BOX)


def test_describe_says_what_will_be_armed():
    lines = describe(to_plan(load_profile("2-8C"), BOX), BOX)
    assert "one reading every 1 min, a checkpoint every 4 h" in lines
    assert "alarm 0: channel 0 at or above 8 degC for 30 min without a break" in lines
    assert "shocks of 10 g or more for 2 ms (ADXL372), 16 waveforms of 64 + 448 samples are kept" in lines


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("period_s = 10", "period_s = 0", "period_s is 0; it must be a whole number from 1 to 3600"),
        ("period_s = 10", "period_s = 1.5", "period_s is 1.5; it must be a whole number"),
        ("period_s = 10", "period_s = true", "period_s is true; it must be a whole number"),
        ("period_s = 10", "perid_s = 10", "period_s is missing"),
        ("period_s = 10", "period_s = 10\nwarp = true", "warp is not known; it may be name, title, period_s"),
        ('side = "high"', 'side = "up"', "alarm 1: side is 'up'; it must be one of high, low"),
        ("limit_c = 8.0", "limit_c = nan", "alarm 1: limit_c is NaN; it must be a number"),
        ("limit_c = 8.0", "limit = 8.0", "alarm 1: limit_c is missing"),
        ('name = "mine"', 'name = "a name that is far too long"', "name is .* it must be a text of at most 16 bytes"),
        ("limit_c = 8.0", "limit_c = 8.0\nchannels = [4]", "alarm 1: channels is .4.; it must be"),
        ("[[alarm]]", "[[alarm]", "is not TOML: .* line 5"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_what_is_allowed(old, new, words):
    assert old in SMALL
    with pytest.raises(UsageFault, match=f"^mine.toml: {words}"):
        parse_profile(SMALL.replace(old, new).encode(), "mine.toml")


def test_no_such_profile_names_those_that_there_are(tmp_path):
    with pytest.raises(UsageFault, match="2-8C, CRT, LN2, WHO-TR07-1, WHO-TR07-2, dry-ice, ultra-low"):
        load_profile(str(tmp_path / "nothing.toml"))


def test_an_unreadable_file_is_one_line(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageFault, match="UTF-8"):
        load_profile(str(path))
    with pytest.raises(UsageFault, match="is a folder"):
        load_profile(str(tmp_path))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_in_one_line(data):
    with pytest.raises(UsageFault):
        parse_profile(data, "x")


@given(st.text(alphabet='abcdefghijklmnopqrstuvwxyz_=[]"\n 0123456789.-', max_size=200))
def test_random_settings_are_refused_in_one_line(text):
    with pytest.raises(UsageFault):
        parse_profile((SMALL + text + "\nx = 1").encode(), "x")


def test_fitted_sensors_come_from_the_status():
    status = {"models": [1, 99], "steps": [7_812_500, 1], "low": [-1, -2], "high": [1, 2], "accel": 17}
    fitted = fitted_from_status(status)
    assert [one.step_nK for one in fitted.channels] == [7_812_500, 1]
    assert fitted.accel_name == "ADXL345"


def judged(text):
    return parse_profile(f"{SMALL}\n{text}".encode(), "mine.toml").judging


def test_what_only_the_host_reads():
    made = judged(
        '[evaluate]\nstart = "loaded"\nend = "last-mark"\nignore_start_s = 600\nfastest_c_per_min = 0.5\n'
        '[[evaluate.limit]]\nside = "low"\nlimit_c = 1.5\n'
        "[[evaluate.budget]]\nlow_c = 8.0\nhigh_c = 15\nallowed_s = 43200\nused_s = 60\n"
    )
    assert (made.start, made.end, made.ignore_start_s) == ("loaded", "last-mark", 600)
    assert made.fastest_c_per_min == Decimal("0.5")
    assert [(one.side, one.limit_c) for one in made.limits] == [("low", Decimal("1.5"))]
    assert [(one.side, one.low_c, one.allowed_s, one.used_s) for one in made.budgets] == [
        ("high", Decimal("8.0"), 43200, 60)
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[evaluate]\nstart = "lunch"', "evaluate.start is 'lunch'"),
        ("[evaluate]\nmkt_window = 5", "evaluate.mkt_window is not known"),
        ("[[evaluate.budget]]\nlow_c = 8\nhigh_c = 8\nallowed_s = 1", "evaluate.budget 1: high_c is 8"),
        ("[[evaluate.budget]]\nlow_c = 8\nhigh_c = 9", "allowed_s is missing"),
        ('[[evaluate.limit]]\nside = "up"\nlimit_c = 8', "evaluate.limit 1: side is 'up'"),
        ("[evaluate]\nmkt_reference_c = true", "mkt_reference_c is true"),
    ],
)
def test_what_the_host_cannot_judge_by_is_refused_in_words(text, complaint):
    with pytest.raises(UsageFault) as caught:
        judged(text)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("mine.toml: ")


@pytest.mark.parametrize("sources", ['"one"', '["a", 1]', '[""]', '["\\u001b[31m"]'])
def test_sources_are_texts_that_a_terminal_survives(sources):
    with pytest.raises(UsageFault, match="sources"):
        parse_profile(f"sources = {sources}\n{SMALL}".encode(), "mine.toml")
