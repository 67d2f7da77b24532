"""Plans: what a host may ask of a logger, and what a logger must refuse (section 8)."""

from collections.abc import Iterator
from typing import Any

from from_spec import cbor
from from_spec.proofs import sha256
from from_spec.wire import DEVICE, Vector, tagged, vector

Plan = dict[str, Any]

TMP117_RANGE = [-7040, 19200]
ORDER = ["v", "profile", "period_ms", "start", "delay_s", "start_at", "duration_s"]
ORDER += ["stop_button", "wrap", "checkpoint_s", "alarms", "shock", "marks_open", "radio", "times", "flight"]
PLAIN: Plan = {
    "v": 1,
    "profile": "2-8C",
    "period_ms": 60_000,
    "start": 0,
    "delay_s": 0,
    "start_at": [0, 0, 0],
    "duration_s": 0,
    "stop_button": False,
    "wrap": False,
    "checkpoint_s": 14_400,
    "alarms": [],
    "marks_open": True,
}
ALARM = [0, 0, 0, 1024, 0]
SHOCK = [30_000, 500, 50, 32, 64, 20]
RADIO = [0, 1000, 300, 7, 2000]
TIME = [21_600, 3600, 86_400]
FLIGHT = [1500, 180, 90_000, 100, 300]


def changed(**changes: Any) -> Plan:
    """The plain plan with some keys changed (or taken out, with None), in the order of section 8."""
    whole = PLAIN | changes
    return {key: whole[key] for key in ORDER if whole.get(key) is not None}


VALID: dict[str, Plan] = {
    "plain": PLAIN,
    "shortest-period": changed(period_ms=1000),
    "longest-period": changed(period_ms=3_600_000),
    "start-command": changed(start=1),
    "start-delay": changed(start=2, delay_s=3600),
    "start-button": changed(start=3),
    "start-temperature-above": changed(start=4, start_at=[0, 0, 19200]),
    "start-temperature-below": changed(start=4, start_at=[1, 1, -7040]),
    "stops": changed(duration_s=432_000, stop_button=True, wrap=True, marks_open=False),
    "checkpoint-shortest": changed(checkpoint_s=60),
    "checkpoint-longest": changed(checkpoint_s=86_400),
    "profile-empty": changed(profile=""),
    "profile-16-bytes": changed(profile="dry ice, -78 °C"),
    "alarms-eight": changed(alarms=[[i % 2, i // 4, i // 2 % 2, 1024 - 900 * (i // 4), 600 * i] for i in range(8)]),
    "alarm-at-range": changed(alarms=[[1, 1, 0, -7040, 0], [1, 0, 1, 19200, 86_400]]),
    "delay-longest": changed(start=2, delay_s=2_678_400),
    "duration-longest": changed(duration_s=34_560_000),
    "shock": changed(shock=SHOCK),
    "shock-least": changed(shock=[500, 0, 1, 0, 0, 0]),
    "shock-most": changed(shock=[200_000, 1_000_000, 5000, 64, 960, 65_535]),
    "radio": changed(shock=SHOCK, radio=RADIO),
    "radio-least": changed(radio=[0, 100, 30, 0, 0]),
    "radio-most": changed(shock=SHOCK, radio=[1, 10_000, 3600, 7, 16_000]),
    "times": changed(radio=[0, 1000, 300, 5, 0], times=[TIME, [1_772_000_000, 60, 0]]),
    "times-most": changed(times=[[0xFFFF_FFFF, 86_400, 2_678_400]] * 8),
    "times-none": changed(times=[]),
    "flight": changed(shock=SHOCK, radio=RADIO, times=[TIME], flight=FLIGHT),
    "flight-least": changed(shock=SHOCK, flight=[100, 60, 0, 1, 60]),
    "flight-most": changed(shock=SHOCK, flight=[20_000, 600, 110_000, 10_000, 3600]),
}

BROKEN: dict[str, tuple[Plan, str]] = {
    "version-2": (changed(v=2), "v is not 1"),
    "version-missing": (changed(v=None), "v is missing"),
    "profile-missing": (changed(profile=None), "profile is missing"),
    "profile-17": (changed(profile="seventeen letters"), "profile has 17 bytes"),
    "profile-16-letters-17-bytes": (changed(profile="sixteen lettrés."), "profile has 17 bytes in UTF-8"),
    "profile-number": (changed(profile=28), "profile is no text"),
    "period-missing": (changed(period_ms=None), "period_ms is missing"),
    "period-999": (changed(period_ms=999), "period_ms is below 1000"),
    "period-3600001": (changed(period_ms=3_600_001), "period_ms is above 3,600,000"),
    "period-text": (changed(period_ms="60000"), "period_ms is no number"),
    "period-negative": (changed(period_ms=-60_000), "period_ms is negative"),
    "start-missing": (changed(start=None), "start is missing"),
    "start-5": (changed(start=5), "no such start"),
    "start-delay-missing": (changed(start=2, delay_s=None), "start 2 needs delay_s"),
    "start-delay-negative": (changed(start=2, delay_s=-1), "delay_s is negative"),
    "start-at-missing": (changed(start=4, start_at=None), "start 4 needs start_at"),
    "start-at-short": (changed(start=4, start_at=[0, 0]), "start_at has three parts"),
    "start-at-channel-2": (changed(start=4, start_at=[2, 0, 0]), "the logger has no channel 2"),
    "start-at-side-2": (changed(start=4, start_at=[0, 2, 0]), "neither above nor below"),
    "start-at-out-of-range": (changed(start=4, start_at=[0, 0, 19_201]), "beyond the sensor's range"),
    "duration-negative": (changed(duration_s=-1), "duration_s is negative"),
    "checkpoint-59": (changed(checkpoint_s=59), "checkpoint_s is below 60"),
    "checkpoint-86401": (changed(checkpoint_s=86_401), "checkpoint_s is above 86,400"),
    "alarms-nine": (changed(alarms=[ALARM] * 9), "more than 8 alarms"),
    "alarms-number": (changed(alarms=3), "alarms is no list"),
    "alarm-short": (changed(alarms=[ALARM[:4]]), "an alarm has five parts"),
    "alarm-long": (changed(alarms=[[*ALARM, 0]]), "an alarm has five parts"),
    "alarm-channel-2": (changed(alarms=[[2, 0, 0, 0, 0]]), "the logger has no channel 2"),
    "alarm-channel-negative": (changed(alarms=[[-1, 0, 0, 0, 0]]), "no channel -1"),
    "alarm-side-2": (changed(alarms=[[0, 2, 0, 0, 0]]), "neither high nor low"),
    "alarm-kind-2": (changed(alarms=[[0, 0, 2, 0, 0]]), "neither single nor cumulative"),
    "alarm-above-range": (changed(alarms=[[0, 0, 0, 19_201, 0]]), "beyond the sensor's range"),
    "alarm-below-range": (changed(alarms=[[0, 1, 0, -7041, 0]]), "beyond the sensor's range"),
    "alarm-delay-negative": (changed(alarms=[[0, 0, 0, 0, -1]]), "delay_s is negative"),
    "shock-short": (changed(shock=SHOCK[:5]), "shock has six parts"),
    "shock-number": (changed(shock=30_000), "shock is no list"),
    "shock-long": (changed(shock=[*SHOCK, 0]), "shock has six parts"),
    "shock-threshold-499": (changed(shock=[499, *SHOCK[1:]]), "threshold_mg is below 500"),
    "shock-threshold-200001": (changed(shock=[200_001, *SHOCK[1:]]), "threshold_mg is above 200,000"),
    "shock-min-us-negative": (changed(shock=[500, -1, *SHOCK[2:]]), "min_us is negative"),
    "shock-min-us-1000001": (changed(shock=[500, 1_000_001, *SHOCK[2:]]), "min_us is above 1,000,000"),
    "shock-quiet-0": (changed(shock=[500, 0, 0, *SHOCK[3:]]), "quiet_ms is below 1"),
    "shock-quiet-5001": (changed(shock=[500, 0, 5001, *SHOCK[3:]]), "quiet_ms is above 5000"),
    "shock-pre-65": (changed(shock=[500, 0, 1, 65, 0, 0]), "pre is above 64"),
    "shock-pre-negative": (changed(shock=[500, 0, 1, -1, 0, 0]), "pre is negative"),
    "shock-post-961": (changed(shock=[500, 0, 1, 0, 961, 0]), "post is above 960"),
    "shock-windows-negative": (changed(shock=[500, 0, 1, 0, 0, -1]), "windows is negative"),
    "radio-short": (changed(radio=RADIO[:4]), "radio has five parts"),
    "radio-mode-2": (changed(radio=[2, 1000, 300, 5, 0]), "no such mode"),
    "radio-interval-99": (changed(radio=[0, 99, 300, 5, 0]), "interval_ms is below 100"),
    "radio-interval-10001": (changed(radio=[0, 10_001, 300, 5, 0]), "interval_ms is above 10,000"),
    "radio-on-29": (changed(radio=[0, 1000, 29, 5, 0]), "on_s is below 30"),
    "radio-on-3601": (changed(radio=[0, 1000, 3601, 5, 0]), "on_s is above an hour"),
    "radio-asked-by-8": (changed(radio=[0, 1000, 300, 8, 0]), "nothing else may ask"),
    "radio-knock-without-size": (changed(shock=SHOCK, radio=[0, 1000, 300, 2, 0]), "a knock needs knock_mg"),
    "radio-knock-without-shock": (changed(radio=RADIO), "a knock needs shock"),
    "radio-knock-16001": (changed(shock=SHOCK, radio=[0, 1000, 300, 7, 16_001]), "knock_mg is above 16,000"),
    "times-nine": (changed(times=[TIME] * 9), "more than 8 windows"),
    "times-number": (changed(times=3), "times is no list"),
    "time-short": (changed(times=[TIME[:2]]), "a window has three parts"),
    "time-59": (changed(times=[[0, 59, 0]]), "for_s is below 60"),
    "time-86401": (changed(times=[[0, 86_401, 0]]), "for_s is above a day"),
    "time-beyond-u32": (changed(times=[[0x1_0000_0000, 60, 0]]), "from_s does not fit u32"),
    "time-every-2678401": (changed(times=[[0, 60, 2_678_401]]), "every_s is above 31 days"),
    "flight-without-shock": (changed(flight=FLIGHT), "flight needs shock"),
    "flight-short": (changed(shock=SHOCK, flight=FLIGHT[:4]), "flight has five parts"),
    "flight-change-99": (changed(shock=SHOCK, flight=[99, *FLIGHT[1:]]), "change_Pa is below 100"),
    "flight-within-601": (changed(shock=SHOCK, flight=[1500, 601, *FLIGHT[2:]]), "within_s is above 600"),
    "flight-floor-110001": (changed(shock=SHOCK, flight=[1500, 180, 110_001, 100, 300]), "floor_Pa is above 110,000"),
    "flight-motion-0": (changed(shock=SHOCK, flight=[1500, 180, 90_000, 0, 300]), "motion_mg is below 1"),
    "flight-still-59": (changed(shock=SHOCK, flight=[1500, 180, 90_000, 100, 59]), "still_s is below 60"),
    "unknown-key": (changed() | {"colour": "red"}, "no such key"),
    "delay-2678401": (changed(start=2, delay_s=2_678_401), "delay_s is above 31 days"),
    "delay-missing": (changed(delay_s=None), "delay_s is missing"),
    "start-at-left-out": (changed(start_at=None), "start_at is missing"),
    "duration-34560001": (changed(duration_s=34_560_001), "duration_s is above 400 days"),
    "duration-missing": (changed(duration_s=None), "duration_s is missing"),
    "stop-button-missing": (changed(stop_button=None), "stop_button is missing"),
    "wrap-missing": (changed(wrap=None), "wrap is missing"),
    "checkpoint-missing": (changed(checkpoint_s=None), "checkpoint_s is missing"),
    "alarms-missing": (changed(alarms=None), "alarms is missing"),
    "marks-open-missing": (changed(marks_open=None), "marks_open is missing"),
    "wrap-number": (changed(wrap=1), "wrap is not true or false"),
    "stop-button-text": (changed(stop_button="yes"), "stop_button is not true or false"),
    "marks-open-number": (changed(marks_open=0), "marks_open is not true or false"),
}


def one(name: str, plan: Plan, **rest: Any) -> Vector:
    """A plan for a logger with two channels of -55 to 150 degC."""
    data = cbor.encode(plan)
    assert len(data) <= 480
    ranges = [TMP117_RANGE, TMP117_RANGE]
    return vector(name, DEVICE, data, plan=tagged(plan), ranges=ranges, settings=sha256(data), **rest)


def valid() -> Iterator[Vector]:
    for name, plan in VALID.items():
        yield one(name, plan)


def invalid() -> Iterator[Vector]:
    for name, (plan, error) in BROKEN.items():
        yield one(name, plan, error=error)
