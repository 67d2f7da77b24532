"""The limits that a trip is judged by: those of a profile, or those that it was armed with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltrail.evaluate.levels import Bools
from celltrail.evaluate.verdicts import SAME_C
from celltrail.evidence.limits import limits_of
from celltrail.evidence.record import Floats, Record
from celltrail.plans.judging import AlarmRule, Budget, Judging
from celltrail.plans.profile import Profile, load_profile, profile_names


@dataclass(frozen=True)
class Rule:
    """One limit of one channel; a reading at it is outside."""

    channel: int
    is_high: bool
    limit_c: float
    is_cumulative: bool
    delay_s: int

    @property
    def side(self) -> str:
        """at or above, at or below."""
        return "at or above" if self.is_high else "at or below"

    @property
    def sign(self) -> int:
        """What turns degC so that beyond is larger."""
        return 1 if self.is_high else -1

    def is_outside(self, celsius: Floats) -> Bools:
        """Which readings are outside."""
        return np.asarray(self.sign * (celsius - self.limit_c) >= -SAME_C)

    def text(self) -> str:
        """channel 0 at or above 8 degC."""
        return f"channel {self.channel} {self.side} {self.limit_c:.4g} degC"


@dataclass(frozen=True)
class Rules:
    """What a trip is judged by; `armed` says that the limits are those in the record, under its seals."""

    name: str
    title: str
    sources: tuple[str, ...]
    limits: tuple[Rule, ...]
    budgets: tuple[Budget, ...]
    judging: Judging
    armed: bool


def rules_of_profile(profile: Profile, channels: int) -> Rules:
    """All limits of a profile, alarms first; those of channels that are not there are left out."""
    limits = (*profile.alarms, *profile.judging.limits)
    made = [rule for limit in limits for rule in _rules(limit, channels)]
    return Rules(
        profile.name, profile.title, profile.sources, _each_once(made), profile.judging.budgets, profile.judging, False
    )


def rules_as_armed(record: Record) -> Rules:
    """The alarms in the record; what they can't say comes from the profile of the same name, if there is one."""
    said = str(record.plan.get("profile", "")) if record.plan else ""
    # It comes from the file, and a terminal must survive it.
    name = "".join(one if one.isprintable() else "\ufffd" for one in said)
    known = load_profile(name) if name in profile_names() else None
    limits = [Rule(one.channel, one.is_high, one.limit_c, one.is_cumulative, one.delay_s) for one in limits_of(record)]
    judging = known.judging if known else Judging()
    return Rules(
        name,
        known.title if known else "",
        known.sources if known else (),
        _each_once(limits),
        judging.budgets,
        judging,
        True,
    )


def channels_of(chosen: tuple[int, ...] | None, channels: int) -> Sequence[int]:
    """The channels that a limit is for, as far as they are there."""
    return range(channels) if chosen is None else [one for one in chosen if one < channels]


def _rules(limit: AlarmRule, channels: int) -> list[Rule]:
    is_high, is_cumulative = limit.side == "high", limit.mode == "cumulative"
    return [
        Rule(channel, is_high, float(limit.limit_c), is_cumulative, limit.delay_s)
        for channel in channels_of(limit.channels, channels)
    ]


def _each_once(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(dict.fromkeys(rules))
