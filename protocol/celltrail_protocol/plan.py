"""What a logger needs of a plan for a whole trip (SPEC.md section 8); `plan_rules` says what a plan may be."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_PLAN = 480
PRE_KEPT = 64
# Of a plan without "radio": off, until the button or the cable asks for it.
RADIO_DEFAULT = (0, 1000, 300, 5, 0)
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
