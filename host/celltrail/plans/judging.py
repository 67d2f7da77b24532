"""How a trip is judged: the part of a profile that only the host reads, [evaluate]."""

from dataclasses import dataclass
from decimal import Decimal

from celltrail.plans.toml_table import Table
from celltrail_protocol.codes import MARK_BUTTON
from celltrail_protocol.names import MARK_NAMES

SIDES = ("high", "low")
MODES = ("single", "cumulative")
MOST_CHANNELS = 4
_KINDS = tuple(name for kind, name in MARK_NAMES.items() if kind != MARK_BUTTON)
ARMING, FIRST_MARK, STOP, LAST_MARK = "arming", "first-mark", "stop", "last-mark"
STARTS_AT = (ARMING, FIRST_MARK, *_KINDS)
ENDS_AT = (STOP, LAST_MARK, *_KINDS)
_LONGEST_S = 400 * 86400
_LONGEST_DELAY_S = 31 * 86400
_MOST_SOURCES = 8
_LONGEST_SOURCE = 300


@dataclass(frozen=True)
class AlarmRule:
    """A limit; a reading at it is outside. `channels` is None for all."""

    side: str
    limit_c: Decimal
    mode: str
    delay_s: int
    channels: tuple[int, ...] | None


@dataclass(frozen=True)
class Budget:
    """So long the product may be in a band in all; `used_s` of it were used before this trip.

    Side "high": low_c <= T < high_c; "low": low_c < T <= high_c. So the limit next to the label's range counts.
    """

    side: str
    low_c: Decimal
    high_c: Decimal
    allowed_s: int
    used_s: int
    channels: tuple[int, ...] | None


@dataclass(frozen=True)
class Fragility:
    """The product's damage boundary (ASTM D3332): critical acceleration and critical velocity change."""

    critical_g: Decimal
    critical_m_s: Decimal


@dataclass(frozen=True)
class Judging:
    """From when to when a trip is judged, and by what besides the alarms.

    `start` and `end` are a word of STARTS_AT and ENDS_AT. `mkt_window_s` 0: mean kinetic temperature says nothing
    about this product. `fastest_c_per_min`, when given, is how fast the payload can change: so much a gap can hide.
    """

    start: str = ARMING
    end: str = STOP
    ignore_start_s: int = 0
    ignore_end_s: int = 0
    mkt_window_s: int = 0
    mkt_reference_c: Decimal | None = None
    fastest_c_per_min: Decimal | None = None
    limits: tuple[AlarmRule, ...] = ()
    budgets: tuple[Budget, ...] = ()
    fragility: Fragility | None = None


def judging_of(table: Table | None) -> Judging:
    """What the table says; the defaults when there is none. UsageFault."""
    if table is None:
        return Judging()
    made = Judging(
        start=table.choice("start", STARTS_AT, default=ARMING),
        end=table.choice("end", ENDS_AT, default=STOP),
        ignore_start_s=table.integer("ignore_start_s", 0, _LONGEST_S, default=0),
        ignore_end_s=table.integer("ignore_end_s", 0, _LONGEST_S, default=0),
        mkt_window_s=table.integer("mkt_window_s", 0, _LONGEST_S, default=0),
        mkt_reference_c=table.number_or_none("mkt_reference_c", -273, 1000),
        fastest_c_per_min=table.number_or_none("fastest_c_per_min", 0, 1000),
        limits=tuple(alarm_rule(entry) for entry in table.tables("limit")),
        budgets=tuple(_budget(entry) for entry in table.tables("budget")),
        fragility=_fragility(table.table("fragility")),
    )
    table.refuse_unknown()
    return made


def alarm_rule(table: Table) -> AlarmRule:
    """One limit: an alarm of the logger, or one that only the host looks at; UsageFault."""
    rule = AlarmRule(
        table.choice("side", SIDES),
        table.number("limit_c", -300, 1000),
        table.choice("mode", MODES, default="single"),
        table.integer("delay_s", 0, _LONGEST_DELAY_S, default=0),
        _channels(table),
    )
    table.refuse_unknown()
    return rule


def _budget(table: Table) -> Budget:
    side = table.choice("side", SIDES, default="high")
    low_c, high_c = table.number("low_c", -300, 1000), table.number("high_c", -300, 1000)
    if low_c >= high_c:
        raise table.fault("high_c", high_c, f"above low_c, which is {low_c}")
    allowed_s = table.integer("allowed_s", 0, _LONGEST_S)
    made = Budget(side, low_c, high_c, allowed_s, table.integer("used_s", 0, _LONGEST_S, default=0), _channels(table))
    table.refuse_unknown()
    return made


def _fragility(table: Table | None) -> Fragility | None:
    if table is None:
        return None
    made = Fragility(
        table.number("critical_g", Decimal("0.1"), 10_000), table.number("critical_m_s", Decimal("0.01"), 1000)
    )
    table.refuse_unknown()
    return made


def _channels(table: Table) -> tuple[int, ...] | None:
    value = table.take("channels", [0])
    if value == "all":
        return None
    known = range(MOST_CHANNELS)
    if not isinstance(value, list) or not value or any(type(one) is not int or one not in known for one in value):
        raise table.fault("channels", value, '"all" or a list of channels 0 to 3')
    return tuple(value)


def sources_of(table: Table) -> tuple[str, ...]:
    """Where the limits come from, one text each; UsageFault."""
    value = table.take("sources", [])
    if not isinstance(value, list) or len(value) > _MOST_SOURCES:
        raise table.fault("sources", value, f"a list of at most {_MOST_SOURCES} texts")
    if not all(isinstance(one, str) and 0 < len(one) <= _LONGEST_SOURCE and one.isprintable() for one in value):
        raise table.fault("sources", value, f"a list of texts of at most {_LONGEST_SOURCE} letters")
    return tuple(value)
