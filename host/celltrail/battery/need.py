"""What a plan with an end needs of a battery, reckoned without flying it: for who arms, in a moment."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from celltrail.battery import currents
from celltrail.battery.currents import BOARDS, CELLS_mAh
from celltrail_protocol.codes import RADIO_ALWAYS, BATTERY_EMPTY_mV
from celltrail_protocol.plan import RADIO_DEFAULT

_DAY_S = 86_400
_MS_PER_HOUR = 3_600_000
# Of the boards that we know the one that takes most.
_BOARD = "pico-w"
# Three alkaline AA cells: full, with a straight line to empty. A curve that sags early makes us ask for too much.
_FULL_mV = 4500


def daily_mAh(plan: Mapping[str, Any]) -> float:
    """mAh a day: sleep, wakes, naps for the watchdog, and the hours of the radio that the plan itself wants."""
    board = BOARDS[_BOARD]
    awake_ms: float = _DAY_S * 1000 / plan["period_ms"] * currents.WORK_ms
    awake_ms += _DAY_S * 1000 / currents.NAP_EVERY_ms * currents.NAP_ms
    more = awake_ms / _MS_PER_HOUR * (board.awake_mA - board.sleep_mA)
    return board.sleep_mA * 24 + more + radio_hours(plan) * (board.doze_mA - board.sleep_mA)


def radio_hours(plan: Mapping[str, Any]) -> float:
    """Hours a day that the radio is on without being asked for."""
    if plan.get("radio", RADIO_DEFAULT)[0] == RADIO_ALWAYS:
        return 24.0
    return window_hours(plan.get("times", ()))


def window_hours(times: Iterable[Sequence[int]]) -> float:
    """Hours a day of the windows (from_s, for_s, every_s) that come every day."""
    return min(24.0, sum(for_s for _, for_s, every_s in times if every_s == _DAY_S) / 3600)


def planned_days(plan: Mapping[str, Any]) -> float:
    """From arming to the end that is planned; only the delay for a plan without one."""
    seconds: int = plan["duration_s"] + plan["delay_s"]
    return seconds / _DAY_S


def needed_share(plan: Mapping[str, Any]) -> float:
    """The share of three full AA cells that the plan takes until its end; 0 for a plan without one."""
    if not plan["duration_s"]:
        return 0.0
    return planned_days(plan) * daily_mAh(plan) / (CELLS_mAh["alkaline"] * currents.USABLE)


def needed_mV(share: float) -> int:
    """The voltage at which so much is left."""
    return round(BATTERY_EMPTY_mV + share * (_FULL_mV - BATTERY_EMPTY_mV))
