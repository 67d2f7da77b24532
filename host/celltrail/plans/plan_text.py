"""A plan in words: what is armed, for the person who arms and for the receipt."""

from collections.abc import Mapping, Sequence
from typing import Any

from celltrail.plans.radio_text import describe_radio
from celltrail.plans.sensor import Fitted
from celltrail.sentence import Length, Number, Sentence
from celltrail.utc import span
from celltrail_protocol.codes import (
    ALARM_CUMULATIVE,
    ALARM_HIGH,
    START_BUTTON,
    START_COMMAND,
    START_DELAY,
    START_NOW,
    START_TEMPERATURE,
)


def describe(plan: Mapping[str, Any], fitted: Fitted) -> list[str]:
    """Lines such as "one reading every 1 min" and "alarm 0: channel 0 at or above 8 degC ..."."""
    lines = [f"profile {plan['profile']}"] if plan["profile"] else []
    lines += [f"channel {number}: {one.name}, {one.range_text()}" for number, one in enumerate(fitted.sensors)]
    lines += [f"one reading every {span(plan['period_ms'])}, a checkpoint every {span(plan['checkpoint_s'] * 1000)}"]
    lines += [describe_start(plan, fitted), _stop(plan)]
    lines += [f"alarm {number}: {describe_alarm(entry, fitted)}" for number, entry in enumerate(plan["alarms"])]
    lines += ["no temperature alarms"] if not plan["alarms"] else []
    lines += [_shock(plan.get("shock"), fitted)]
    lines += [
        "marks are taken " + ("from anyone, and flagged when not proven" if plan["marks_open"] else "with proof only")
    ]
    return lines + describe_radio(plan, fitted)


def describe_alarm(entry: Sequence[int], fitted: Fitted) -> str:
    """One alarm: channel, limit, kind and delay."""
    channel, side, mode, raw, delay_s = entry
    said = Sentence(
        "channel {channel} at or above {limit} degC"
        if side == ALARM_HIGH
        else "channel {channel} at or below {limit} degC",
        channel=channel,
        limit=Number(f"{fitted.channels[channel].celsius(raw):.4g}"),
    )
    if not delay_s:
        return Sentence("{limit}, at once", limit=said)
    return Sentence(
        "{limit} for {delay} in all" if mode == ALARM_CUMULATIVE else "{limit} for {delay} without a break",
        limit=said,
        delay=Length(delay_s * 1000),
    )


def describe_start(plan: Mapping[str, Any], fitted: Fitted) -> str:
    """What the trip waits for: "starts by its button"."""
    channel, side, raw = plan["start_at"]
    words = {
        START_NOW: "starts at once",
        START_COMMAND: "starts by command",
        START_DELAY: f"starts after {span(plan['delay_s'] * 1000)}",
        START_BUTTON: "starts by its button",
    }
    if plan["start"] == START_TEMPERATURE:
        beyond = "at or above" if side == ALARM_HIGH else "at or below"
        return f"starts when channel {channel} is {beyond} {fitted.channels[channel].celsius(raw):.4g} degC"
    return words[plan["start"]]


def _stop(plan: Mapping[str, Any]) -> str:
    ways = [f"after {span(plan['duration_s'] * 1000)}"] if plan["duration_s"] else []
    ways += ["by command"]
    ways += ["by its button"] if plan["stop_button"] else []
    end = "; overwrites the oldest readings when full" if plan["wrap"] else ", or when its memory is full"
    return "stops " + ", ".join(ways) + end


def _shock(shock: Sequence[int] | None, fitted: Fitted) -> str:
    if shock is None:
        return "shocks are not watched" + ("" if fitted.accel_model else ": no accelerometer is fitted")
    threshold_mg, min_us, _, pre, post, windows = shock
    held = f" for {min_us / 1000:g} ms" if min_us else ""
    kept = f"{windows} waveforms of {pre} + {post} samples are kept" if windows else "no waveforms are kept"
    return f"shocks of {threshold_mg / 1000:g} g or more{held} ({fitted.accel_name}), {kept}"
