"""When the radio is on during a trip: the part [radio] of a profile, and what the plan says of it (SPEC.md 8.1)."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from celltrail.errors import UsageFault
from celltrail.plans.sensor import Fitted
from celltrail.plans.toml_table import Table
from celltrail.utc import iso, parse
from celltrail_protocol import codes
from celltrail_protocol.plan_rules import MOST_TIMES

ASKED, ALWAYS = "asked", "always"
POLICIES = {ASKED: codes.RADIO_ASKED, ALWAYS: codes.RADIO_ALWAYS}
AUTOMATIC, NONE = "automatic", "none"
FLIGHTS = (AUTOMATIC, NONE)
_ASKERS = {"button": codes.ASK_BUTTON, "knock": codes.ASK_KNOCK, "cable": codes.ASK_CABLE}
_DAY_S = 86_400
_SHORTEST_S = 60
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_PA_PER_HPA = 100
# An ADXL372 counts steps of 100 mg: at rest between two of them it seems to shake by half of one.
_LEAST_MOTION_MG = {codes.MODEL_ADXL372: 60}


class Window(NamedTuple):
    """As in a plan: on from `from_s` (since 1970) for `for_s`, and again every `every_s`; 0: once."""

    from_s: int
    for_s: int
    every_s: int


@dataclass(frozen=True)
class FlightRule:
    """What speaks for a flight, and how long nothing must, before the radio goes on again."""

    change_hPa: Decimal = Decimal(15)
    within_s: int = 180
    floor_hPa: Decimal = Decimal(900)
    motion_g: Decimal = Decimal("0.1")
    still_s: int = 300


@dataclass(frozen=True)
class RadioRule:
    """`flight` None: nothing watches for a flight."""

    policy: str = ASKED
    interval_ms: int = 1000
    on_s: int = 300
    ask_by: tuple[str, ...] = tuple(_ASKERS)
    knock_g: Decimal = Decimal(2)
    windows: tuple[Window, ...] = ()
    flight: FlightRule | None = None

    def with_changes(self, policy: str | None, flight: str | None, windows: tuple[Window, ...]) -> "RadioRule":
        """The same with other values; None leaves a value; windows come in the place of those of the profile."""
        if policy is not None and policy not in POLICIES:
            raise UsageFault(f"the radio can't be on {policy!r}; it may be {' or '.join(POLICIES)}")
        if flight is not None and flight not in FLIGHTS:
            raise UsageFault(f"--flight {flight}: it may be {' or '.join(FLIGHTS)}")
        if len(windows) > MOST_TIMES:
            raise UsageFault(f"a plan holds at most {MOST_TIMES} time windows, not {len(windows)}")
        watched = {None: self.flight, AUTOMATIC: self.flight or FlightRule(), NONE: None}[flight]
        return dataclasses.replace(self, policy=policy or self.policy, flight=watched, windows=windows or self.windows)


def radio_rule(table: Table | None) -> RadioRule:
    """What the table says; the defaults when there is none. UsageFault."""
    if table is None:
        return RadioRule()
    known = RadioRule()
    made = RadioRule(
        policy=table.choice("policy", tuple(POLICIES), default=known.policy),
        interval_ms=table.integer("interval_ms", 100, 10_000, default=known.interval_ms),
        on_s=table.integer("on_s", 30, 3600, default=known.on_s),
        ask_by=_ask_by(table),
        knock_g=table.number("knock_g", Decimal("0.5"), 16, default=known.knock_g),
        windows=tuple(_daily(entry) for entry in table.tables("window")),
        flight=_flight(table.table("flight")),
    )
    if len(made.windows) > MOST_TIMES:
        raise table.fault_in_words("window", f"there {len(made.windows)} times", f"there at most {MOST_TIMES} times")
    table.refuse_unknown()
    return made


def _ask_by(table: Table) -> tuple[str, ...]:
    value = table.take("ask_by", list(_ASKERS))
    if not isinstance(value, list) or any(one not in list(_ASKERS) for one in value):
        raise table.fault("ask_by", value, f"a list of {', '.join(_ASKERS)}")
    return tuple(word for word in _ASKERS if word in value)


def _daily(table: Table) -> Window:
    text = table.take("at")
    found = _TIME_OF_DAY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise table.fault("at", text, 'a time of day in UTC, such as "06:00"')
    window = Window(int(found[1]) * 3600 + int(found[2]) * 60, table.integer("for_s", _SHORTEST_S, _DAY_S), _DAY_S)
    table.refuse_unknown()
    return window


def _flight(table: Table | None) -> FlightRule | None:
    if table is None:
        return None
    known = FlightRule()
    made = FlightRule(
        change_hPa=table.number("change_hPa", 1, 200, default=known.change_hPa),
        within_s=table.integer("within_s", 60, 600, default=known.within_s),
        floor_hPa=table.number("floor_hPa", 0, 1100, default=known.floor_hPa),
        motion_g=table.number("motion_g", Decimal("0.001"), 10, default=known.motion_g),
        still_s=table.integer("still_s", 60, 3600, default=known.still_s),
    )
    table.refuse_unknown()
    return made


def parse_window(text: str, span_ms: int) -> Window:
    """`06:00` every day, or `2026-03-01T06:00Z` once, for so long; UsageFault."""
    for_s, rest_ms = divmod(span_ms, 1000)
    if rest_ms or not _SHORTEST_S <= for_s <= _DAY_S:
        raise UsageFault(f"a time window lasts 1 min to 24 h, in whole seconds: {text}")
    found = _TIME_OF_DAY.fullmatch(text.removesuffix("Z"))
    if found:
        return Window(int(found[1]) * 3600 + int(found[2]) * 60, for_s, _DAY_S)
    try:
        return Window(parse(text) // 1000, for_s, 0)
    except UsageFault as error:
        raise UsageFault(
            f"{text!r} is no beginning of a time window; write 06:00 (UTC, every day) or 2026-03-01T06:00Z"
        ) from error


def refuse_past(windows: Iterable[Window], now_ms: int) -> None:
    """UsageFault for a window that is over for good."""
    for one in windows:
        end_ms = (one.from_s + one.for_s) * 1000
        if not one.every_s and end_ms <= now_ms:
            raise UsageFault(
                f"the radio's time window ends {iso(end_ms)}, which is past; leave it out, or mend its date"
            )


def plan_entries(rule: RadioRule, fitted: Fitted, watches_shocks: bool, where: str) -> dict[str, Any]:
    """The plan's keys radio, times and flight; UsageFault when the logger can't do what is asked."""
    if rule.flight is not None:
        _require_sources(fitted, watches_shocks, where)
    asked_by = sum(_ASKERS[word] for word in rule.ask_by)
    if not watches_shocks:
        # Nothing hears a knock then.
        asked_by &= ~codes.ASK_KNOCK
    knock_mg = round(rule.knock_g * 1000) if asked_by & codes.ASK_KNOCK else 0
    made: dict[str, Any] = {"radio": [POLICIES[rule.policy], rule.interval_ms, rule.on_s, asked_by, knock_mg]}
    if rule.windows:
        made["times"] = [list(one) for one in rule.windows]
    if rule.flight is not None:
        made["flight"] = _flight_entry(rule.flight, fitted, where)
    return made


def _require_sources(fitted: Fitted, watches_shocks: bool, where: str) -> None:
    missing = [] if fitted.barometers else ["a pressure sensor"]
    missing += [] if fitted.accel_model else ["an accelerometer"]
    if missing:
        raise UsageFault(
            f"{where}: flight automatic needs two independent sources, and the logger has not got"
            f" {' and '.join(missing)}; fit one, or arm with --flight none and --radio-on asked"
        )
    if not watches_shocks:
        raise UsageFault(f"{where}: flight automatic needs the accelerometer: let shocks be watched")


def _flight_entry(rule: FlightRule, fitted: Fitted, where: str) -> list[int]:
    motion_mg = round(rule.motion_g * 1000)
    least_mg = _LEAST_MOTION_MG.get(fitted.accel_model, 1)
    if motion_mg < least_mg:
        raise UsageFault(
            f"{where}: motion_g is below what an {fitted.accel_name} shows at rest; at least {least_mg / 1000:g}"
        )
    return [
        round(rule.change_hPa * _PA_PER_HPA),
        rule.within_s,
        round(rule.floor_hPa * _PA_PER_HPA),
        motion_mg,
        rule.still_s,
    ]
