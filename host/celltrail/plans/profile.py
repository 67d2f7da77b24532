"""Profiles: named limits and sampling plans in readable TOML. `planning` makes plans of them."""

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from celltrail.errors import UsageFault
from celltrail.files import read_bytes
from celltrail.plans.judging import SIDES, AlarmRule, Judging, alarm_rule, judging_of, sources_of
from celltrail.plans.radio import RadioRule, Window, radio_rule
from celltrail.plans.toml_table import Table, read_table
from celltrail_protocol.names import START_NAMES
from celltrail_protocol.plan_rules import MOST_ALARMS

STARTS = tuple(START_NAMES.values())
PERIOD_BOUNDS_S = (1, 3600)
DELAY_BOUNDS_S = (0, 31 * 86400)
DURATION_BOUNDS_S = (0, 400 * 86400)
_MOST_BYTES = 100_000
_LONGEST_NAME = 16


@dataclass(frozen=True)
class StartRule:
    """Start when a channel is at or beyond a temperature; `side` "low" means at or below."""

    channel: int
    side: str
    limit_c: Decimal


@dataclass(frozen=True)
class ShockRule:
    """When an acceleration is an event, and how much of it is kept."""

    threshold_g: Decimal
    least_ms: Decimal
    quiet_ms: int
    before_samples: int
    after_samples: int
    waveforms: int


@dataclass(frozen=True)
class Profile:
    """A profile as its file says it, checked; `where` names the file in messages."""

    where: str
    name: str
    title: str
    period_s: int
    checkpoint_s: int
    start: str
    delay_s: int
    start_at: StartRule | None
    duration_s: int
    stop_button: bool
    wrap: bool
    marks_open: bool
    sensor_range_c: tuple[Decimal, Decimal] | None
    alarms: tuple[AlarmRule, ...]
    shock: ShockRule | None
    sources: tuple[str, ...] = ()
    judging: Judging = Judging()
    radio: RadioRule = RadioRule()

    def with_radio(self, policy: str | None, flight: str | None, windows: tuple[Window, ...] = ()) -> "Profile":
        """The same with another word on the radio; None leaves what the profile says. UsageFault."""
        return dataclasses.replace(self, radio=self.radio.with_changes(policy, flight, windows))

    def with_changes(self, *, shock: bool | None = None, **changes: Any) -> "Profile":
        """The same with other values; None leaves a value, `shock=False` switches shocks off."""
        wanted: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
        if shock is False:
            wanted["shock"] = None
        if wanted.get("start", self.start) not in STARTS:
            raise UsageFault(f"a trip can't start by {wanted['start']!r}; it may be {', '.join(STARTS)}")
        changed = dataclasses.replace(self, **wanted)
        if "delay_s" in wanted and changed.start != "delay":
            raise UsageFault(f"a delay belongs to a start by delay, not by {changed.start}")
        if changed.start == "delay" and not changed.delay_s:
            raise UsageFault("a start by delay needs a delay, such as 2h")
        return changed


def profile_names() -> list[str]:
    """The profiles that come with the program."""
    folder = resources.files("celltrail.plans") / "profiles"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_profile(name_or_path: str) -> Profile:
    """A profile that comes with the program, or one from a file; UsageFault."""
    if name_or_path in profile_names():
        data = (resources.files("celltrail.plans") / "profiles" / f"{name_or_path}.toml").read_bytes()
        return parse_profile(data, f"profile {name_or_path}")
    path = Path(name_or_path)
    if not path.exists():
        known = ", ".join(profile_names())
        raise UsageFault(f"{name_or_path}: no such profile; it may be {known}, or the path of a .toml file")
    return parse_profile(read_bytes(path, _MOST_BYTES), str(path))


def parse_profile(data: bytes, where: str) -> Profile:
    """The profile that a TOML text says; UsageFault names `where`, the line or key, and what is allowed."""
    return _profile(read_table(data, where, "a profile"), where)


def _profile(table: Table, where: str) -> Profile:
    profile = Profile(
        where=where,
        name=table.text("name", longest=_LONGEST_NAME),
        title=table.text("title", longest=80),
        period_s=table.integer("period_s", *PERIOD_BOUNDS_S),
        checkpoint_s=table.integer("checkpoint_s", 60, 86400, default=14400),
        start=table.choice("start", STARTS, default="now"),
        delay_s=table.integer("delay_s", *DELAY_BOUNDS_S, default=0),
        start_at=_start_rule(table),
        duration_s=table.integer("duration_s", *DURATION_BOUNDS_S, default=0),
        stop_button=table.truth("stop_button", default=True),
        wrap=table.truth("wrap", default=False),
        marks_open=table.truth("marks_open", default=True),
        sensor_range_c=_sensor_range(table),
        alarms=_alarm_rules(table),
        shock=_shock_rule(table),
        sources=sources_of(table),
        judging=judging_of(table.table("evaluate")),
        radio=radio_rule(table.table("radio")),
    )
    table.refuse_unknown()
    return profile


def _sensor_range(table: Table) -> tuple[Decimal, Decimal] | None:
    values = table.take("sensor_range_c", None)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 2:
        raise table.fault("sensor_range_c", values, "two temperatures, such as [-20, 50]")
    low_c, high_c = (table.number_of("sensor_range_c", value, -300, 1000) for value in values)
    if low_c >= high_c:
        raise table.fault("sensor_range_c", values, "the lower temperature first")
    return low_c, high_c


def _start_rule(table: Table) -> StartRule | None:
    inner = table.table("start_at")
    if inner is None:
        return None
    rule = StartRule(
        inner.integer("channel", 0, 3, default=0),
        inner.choice("side", SIDES),
        inner.number("limit_c", -300, 1000),
    )
    inner.refuse_unknown()
    return rule


def _alarm_rules(table: Table) -> tuple[AlarmRule, ...]:
    entries = table.tables("alarm")
    if len(entries) > MOST_ALARMS:
        raise table.fault_in_words("alarm", f"there {len(entries)} times", f"there at most {MOST_ALARMS} times")
    return tuple(alarm_rule(entry) for entry in entries)


def _shock_rule(table: Table) -> ShockRule | None:
    inner = table.table("shock")
    if inner is None:
        return None
    rule = ShockRule(
        threshold_g=inner.number("threshold_g", Decimal("0.5"), 200),
        least_ms=inner.number("least_ms", 0, 1000, default=0),
        quiet_ms=inner.integer("quiet_ms", 1, 5000, default=50),
        before_samples=inner.integer("before_samples", 0, 64, default=64),
        after_samples=inner.integer("after_samples", 0, 960, default=448),
        waveforms=inner.integer("waveforms", 0, 65535, default=16),
    )
    inner.refuse_unknown()
    return rule
