"""What a plan says of the radio, in words, and what it costs: for the person who arms and for the receipt."""

from collections.abc import Mapping, Sequence
from typing import Any

from celltrail.battery import currents
from celltrail.battery.currents import BOARDS, CELLS_mAh
from celltrail.battery.need import radio_hours
from celltrail.plans.sensor import Fitted
from celltrail.utc import iso, span
from celltrail_protocol import codes
from celltrail_protocol.names import ASK_NAMES
from celltrail_protocol.plan import RADIO_DEFAULT

_DAY_S = 86_400
_TITLES = {"pico-w": "a Pico W", "esp32": "an ESP32"}


def describe_radio(plan: Mapping[str, Any], fitted: Fitted) -> list[str]:
    """Lines such as "the radio is off until asked for by button, knock or cable, and then on for 5 min"."""
    mode, interval_ms, on_s, asked_by, knock_mg = plan.get("radio", RADIO_DEFAULT)
    times = plan.get("times", ())
    heard = f"it advertises every {span(interval_ms)}"
    if mode == codes.RADIO_ALWAYS:
        where = " while on the ground" if "flight" in plan else ""
        lines = [f"the radio is ALWAYS on{where}; {heard}", _cost(24.0)]
    else:
        asking = [_asker(bit, knock_mg) for bit in ASK_NAMES if bit & asked_by]
        asked = f"until asked for by {_listed(asking)}, then on for {span(on_s * 1000)}" if asking else "of its own"
        lines = [f"the radio is off {asked}; {heard}"]
        lines += [_window(one) for one in times]
        daily_h = radio_hours(plan)
        lines += [_cost(daily_h)] if daily_h else [_cost_asked(on_s)] if asking else []
    lines += [_flight(plan.get("flight"), mode)]
    return lines


def _asker(bit: int, knock_mg: int) -> str:
    return f"5 knocks of {knock_mg / 1000:g} g" if bit == codes.ASK_KNOCK else ASK_NAMES[bit]


def _listed(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _window(times: Sequence[int]) -> str:
    from_s, for_s, every_s = times
    if every_s == _DAY_S and from_s < _DAY_S:
        return f"the radio is on every day at {from_s // 3600:02}:{from_s // 60 % 60:02} UTC for {span(for_s * 1000)}"
    again = f", and every {span(every_s * 1000)}" if every_s else ""
    return f"the radio is on at {iso(from_s * 1000)} for {span(for_s * 1000)}{again}"


def _cost(hours_a_day: float) -> str:
    """How long three AA cells last with the radio on so long each day; currents are others' figures."""
    each = [f"{_days(name, hours_a_day):.2g} days on {_TITLES[name]}" for name in BOARDS]
    return f"with that, three AA cells ({CELLS_mAh['alkaline']:g} mAh) last at most {_listed(each)}"


def _days(board: str, hours_a_day: float) -> float:
    it = BOARDS[board]
    mean_mA = it.sleep_mA + (it.doze_mA - it.sleep_mA) * hours_a_day / 24
    return CELLS_mAh["alkaline"] * currents.USABLE / mean_mA / 24


def _cost_asked(on_s: int) -> str:
    each = [f"{it.doze_mA * on_s / 3600:.2g} mAh on {_TITLES[name]}" for name, it in BOARDS.items()]
    usable = CELLS_mAh["alkaline"] * currents.USABLE
    return f"each time costs about {_listed(each)}, of some {usable:g} mAh in three AA cells"


def _flight(flight: Sequence[int] | None, mode: int) -> str:
    if flight is None:
        warned = ": NOTHING SUSPENDS IT IN FLIGHT; ask the aircraft's operator" if mode == codes.RADIO_ALWAYS else ""
        return f"no watch for a flight{warned}"
    change_Pa, within_s, floor_Pa, motion_mg, still_s = flight
    return (
        f"suspended in flight: below {floor_Pa / 100:g} hPa, a change of {change_Pa / 100:g} hPa within"
        f" {span(within_s * 1000)}, or shaking by {motion_mg / 1000:g} g; on again when none of it was for"
        f" {span(still_s * 1000)}"
    )
