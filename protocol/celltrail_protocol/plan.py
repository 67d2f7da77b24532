"""What a plan may say: the settings of one trip (SPEC.md section 8). The device refuses what this refuses."""

from celltrail_protocol.codes import START_TEMPERATURE
from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LONGEST_PLAN = 480
MOST_ALARMS = 8
MOST_WINDOW = 1024
PRE_KEPT = 64
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
)
DEFAULTS: "dict[str, Any]" = {
    "v": 1,
    "profile": "",
    "period_ms": 60000,
    "start": 0,
    "delay_s": 0,
    "start_at": [0, 0, 0],
    "duration_s": 0,
    "stop_button": True,
    "wrap": False,
    "checkpoint_s": 14400,
    "alarms": [],
    "marks_open": True,
}
_BOUNDS = {
    "v": (1, 1),
    "period_ms": (1000, 3600000),
    "start": (0, 4),
    "delay_s": (0, 31 * 86400),
    "duration_s": (0, 400 * 86400),
    "checkpoint_s": (60, 86400),
}
_SHOCK_BOUNDS = (
    ("threshold_mg", 500, 200000),
    ("min_us", 0, 1000000),
    ("quiet_ms", 1, 5000),
    ("pre", 0, PRE_KEPT),
    ("post", 0, MOST_WINDOW - PRE_KEPT),
    ("windows", 0, 65535),
)


def _integer(where: str, value: "Any", low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProtocolError("plan: %s is not an integer" % where)
    if not low <= value <= high:
        raise ProtocolError("plan: %s is %d; it may be %d to %d" % (where, value, low, high))
    return value


def _integers(where: str, value: "Any", bounds: "Sequence[tuple[str, int, int]]") -> None:
    if not isinstance(value, (list, tuple)) or len(value) != len(bounds):
        raise ProtocolError("plan: %s needs %d numbers" % (where, len(bounds)))
    for i in range(len(bounds)):
        name, low, high = bounds[i]
        _integer(where + "." + name, value[i], low, high)


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
        if key not in plan and key != "shock":
            raise ProtocolError("plan: %s is missing" % key)
    for key, (low, high) in _BOUNDS.items():
        _integer(key, plan[key], low, high)
    for key in ("stop_button", "wrap", "marks_open"):
        if not isinstance(plan[key], bool):
            raise ProtocolError("plan: %s is not true or false" % key)
    if not isinstance(plan["profile"], str) or len(plan["profile"].encode()) > 16:
        raise ProtocolError("plan: profile is not a text of at most 16 bytes")
    last = len(channels) - 1
    _integers("start_at", plan["start_at"], (("channel", 0, last), ("side", 0, 1), ("raw", -32767, 32767)))
    if plan["start"] == START_TEMPERATURE:
        _check_limit("start_at.raw", plan["start_at"][0], plan["start_at"][2], channels)
    _validate_alarms(plan["alarms"], channels)
    if "shock" in plan:
        _integers("shock", plan["shock"], _SHOCK_BOUNDS)


def _validate_alarms(alarms: "Any", channels: "Sequence[tuple[int, int]]") -> None:
    if not isinstance(alarms, (list, tuple)) or len(alarms) > MOST_ALARMS:
        raise ProtocolError("plan: alarms is not a list of at most %d" % MOST_ALARMS)
    bounds = (
        ("channel", 0, len(channels) - 1),
        ("side", 0, 1),
        ("mode", 0, 1),
        ("raw", -32767, 32767),
        ("delay_s", 0, 31 * 86400),
    )
    for i in range(len(alarms)):
        where = "alarms[%d]" % i
        _integers(where, alarms[i], bounds)
        _check_limit(where + ".raw", alarms[i][0], alarms[i][3], channels)
