"""What a plan may say: the settings of one trip (SPEC.md section 8). The device refuses what this refuses.

A logger needs it at arming and at its start only, and lets go of it.
"""

from celltrail_protocol.codes import ASK_KNOCK, START_TEMPERATURE
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.plan import PRE_KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

MOST_ALARMS = 8
MOST_WINDOW = 1024
MOST_TIMES = 8
KEYS = (
    "v",
    "profile",
    "period_ms",
    "start",
    "delay_s",
    "start_at",
    "duration_s",
    "stop_button",
    "wrap",
    "checkpoint_s",
    "alarms",
    "shock",
    "marks_open",
    "radio",
    "times",
    "flight",
)
OPTIONAL = ("shock", "radio", "times", "flight")
_BOUNDS = {
    "v": (1, 1),
    "period_ms": (1000, 3600000),
    "start": (0, 4),
    "delay_s": (0, 31 * 86400),
    "duration_s": (0, 400 * 86400),
    "checkpoint_s": (60, 86400),
}
# Names stand apart from the bounds: they are for people, and no board keeps them.
_SHOCK = "threshold_mg min_us quiet_ms pre post windows"
_SHOCK_BOUNDS = ((500, 200000), (0, 1000000), (1, 5000), (0, PRE_KEPT), (0, MOST_WINDOW - PRE_KEPT), (0, 65535))
_RADIO = "mode interval_ms on_s asked_by knock_mg"
_RADIO_BOUNDS = ((0, 1), (100, 10000), (30, 3600), (0, 7), (0, 16000))
_TIME = "from_s for_s every_s"
_TIME_BOUNDS = ((0, 0xFFFFFFFF), (60, 86400), (0, 31 * 86400))
_FLIGHT = "change_Pa within_s floor_Pa motion_mg still_s"
_FLIGHT_BOUNDS = ((100, 20000), (60, 600), (0, 110000), (1, 10000), (60, 3600))
_START_AT = "channel side raw"
_ALARM = "channel side mode raw delay_s"


def _integer(where: str, value: "Any", low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProtocolError("plan: %s is not an integer" % where)
    if not low <= value <= high:
        raise ProtocolError("plan: %s is %d; it may be %d to %d" % (where, value, low, high))
    return value


def _integers(where: str, names: str, value: "Any", bounds: "Sequence[tuple[int, int]]") -> None:
    if not isinstance(value, (list, tuple)) or len(value) != len(bounds):
        raise ProtocolError("plan: %s needs %d numbers" % (where, len(bounds)))
    for i in range(len(bounds)):
        low, high = bounds[i]
        _integer(where + "." + names.split()[i], value[i], low, high)


def _rows(where: str, names: str, value: "Any", most: int, bounds: "Sequence[tuple[int, int]]") -> None:
    if not isinstance(value, (list, tuple)) or len(value) > most:
        raise ProtocolError("plan: %s is not a list of at most %d" % (where, most))
    for i in range(len(value)):
        _integers("%s[%d]" % (where, i), names, value[i], bounds)


def _check_limit(where: str, channel: int, raw: int, channels: "Sequence[tuple[int, int]]") -> None:
    low, high = channels[channel]
    if not low <= raw <= high:
        raise ProtocolError(
            "plan: %s is %d; the sensor of channel %d reads %d to %d" % (where, raw, channel, low, high)
        )


def validate(plan: "dict[str, Any]", channels: "Sequence[tuple[int, int]]") -> None:
    """Check a plan against section 8 and the fitted channels' (low_raw, high_raw); raises ProtocolError."""
    if not isinstance(plan, dict):
        raise ProtocolError("plan: not a map")
    for key in plan:
        if key not in KEYS:
            raise ProtocolError("plan: unknown key " + str(key))
    for key in KEYS:
        if key not in plan and key not in OPTIONAL:
            raise ProtocolError("plan: %s is missing" % key)
    for key, (low, high) in _BOUNDS.items():
        _integer(key, plan[key], low, high)
    for key in ("stop_button", "wrap", "marks_open"):
        if not isinstance(plan[key], bool):
            raise ProtocolError("plan: %s is not true or false" % key)
    if not isinstance(plan["profile"], str) or len(plan["profile"].encode()) > 16:
        raise ProtocolError("plan: profile is not a text of at most 16 bytes")
    last = len(channels) - 1
    _integers("start_at", _START_AT, plan["start_at"], ((0, last), (0, 1), (-32767, 32767)))
    if plan["start"] == START_TEMPERATURE:
        _check_limit("start_at.raw", plan["start_at"][0], plan["start_at"][2], channels)
    _validate_alarms(plan["alarms"], channels)
    if "shock" in plan:
        _integers("shock", _SHOCK, plan["shock"], _SHOCK_BOUNDS)
    _validate_radio(plan)


def _validate_radio(plan: "dict[str, Any]") -> None:
    if "radio" in plan:
        _integers("radio", _RADIO, plan["radio"], _RADIO_BOUNDS)
        if plan["radio"][3] & ASK_KNOCK and ("shock" not in plan or not plan["radio"][4]):
            raise ProtocolError("plan: knocks need shock and a knock_mg")
    if "times" in plan:
        _rows("times", _TIME, plan["times"], MOST_TIMES, _TIME_BOUNDS)
    if "flight" in plan:
        _integers("flight", _FLIGHT, plan["flight"], _FLIGHT_BOUNDS)
        if "shock" not in plan:
            raise ProtocolError("plan: flight needs shock")


def _validate_alarms(alarms: "Any", channels: "Sequence[tuple[int, int]]") -> None:
    bounds = ((0, len(channels) - 1), (0, 1), (0, 1), (-32767, 32767), (0, 31 * 86400))
    _rows("alarms", _ALARM, alarms, MOST_ALARMS, bounds)
    for i in range(len(alarms)):
        _check_limit("alarms[%d].raw" % i, alarms[i][0], alarms[i][3], channels)
