"""The lines of `celltrail evaluate`: the answer first, then what it rests on."""

from collections.abc import Sequence

from celltrail.evaluate import verdicts
from celltrail.evaluate.budget import BudgetResult
from celltrail.evaluate.evaluation import ChannelResult, Evaluation
from celltrail.evaluate.excursions import Excursion
from celltrail.evaluate.judge import RuleResult
from celltrail.evaluate.legs import GUESSED, MEASURED, Leg
from celltrail.evaluate.plausible import Flag
from celltrail.evaluate.timeline import Moment
from celltrail.utc import short, span
from celltrail.views.shock_text import damage_line, leg_line, shock_line
from celltrail.views.summary import whose
from celltrail.views.verdict_text import headline

MOST_LISTED = 20
_WORDS = {verdicts.IN: "in", verdicts.OUT: "OUT", verdicts.UNDECIDABLE: "UNDECIDABLE"}


def evaluation_lines(made: Evaluation, most: int = MOST_LISTED) -> list[str]:
    """Everything, at most `most` of a kind."""
    lines = [answer_line(made), headline(made.checked.verdict), f"{whose(made.record, 'trip')}, {_profile(made)}"]
    lines += [f"judged {_when(made.start)} to {_when(made.end)}"]
    sections = {
        "limits": _table(("limit", "outside", "level", "verdict"), [_rule(one) for one in made.results]),
        "budgets": [_budget(one) for one in made.budgets],
        "excursions": [_excursion(one) for one in made.excursions],
        "channels": [line for one in made.channels for line in _channel(one)],
        "legs": [_leg(made, one) for one in made.legs],
        "shocks": [shock_line(one, _when(one.moment)) for one in made.shocks],
        "shocks by leg": _shocks_by_leg(made),
        "doubts": [_flag(one) for one in made.flags],
        "notes": list(made.notes),
    }
    return lines + [line for title, entries in sections.items() for line in _section(title, entries, most)]


def answer_line(made: Evaluation) -> str:
    """The answer in one line."""
    found = [one.verdict for one in made.judged]
    if made.answer is None:
        return "NOTHING TO JUDGE: no limits were given; name some with --profile"
    if made.answer == verdicts.IN:
        return f"WITHIN LIMITS: {_of(len(found), len(found))} kept"
    broken, unsure = found.count(verdicts.OUT), found.count(verdicts.UNDECIDABLE)
    undecided = f"{_of(unsure, len(found))} not decidable"
    if made.answer == verdicts.OUT:
        return f"OUT OF LIMITS: {_of(broken, len(found))} broken" + (f", {undecided}" if unsure else "")
    return f"UNDECIDABLE: {undecided}, none is broken"


def _of(count: int, total: int) -> str:
    if count == total:
        return "the only limit is" if total == 1 else f"all {total} limits are"
    return f"{count} of {total} limits {'is' if count == 1 else 'are'}"


def _profile(made: Evaluation) -> str:
    rules = made.rules
    name = f"profile {rules.name}" if rules.name else "no profile"
    return f"{name} as it was armed with" if rules.armed else name


def _when(moment: Moment) -> str:
    if moment.utc_ms is not None:
        return f"{short(round(moment.utc_ms))} UTC"
    return "an unknown time" if moment.at is None else f"{span(moment.at.tick_ms)} after power-on {moment.at.boot}"


def _rule(one: RuleResult) -> tuple[str, ...]:
    rule = one.rule
    how = "in all" if rule.is_cumulative else "at a stretch"
    delay = f", {span(rule.delay_s * 1000)} {how}" if rule.delay_s else ""
    level = "-" if one.level_c is None else f"{one.level_c:.2f} +-{one.uncertainty_c:.2f}"
    return f"{rule.text()}{delay}", span(one.outside_s * 1000), level, _verdict(one)


def _verdict(one: RuleResult) -> str:
    word = _WORDS[one.verdict]
    if one.reasons:
        return f"{word}: {'; '.join(one.reasons)}{_possibly(one)}"
    return word if one.decided_by_c is None else f"{word} by {one.decided_by_c:.2f} K"


def _possibly(one: RuleResult) -> str:
    if one.possibly_s is None:
        return f" ({span(one.surely_s * 1000)} or more outside)"
    return f" (outside for {span(one.surely_s * 1000)} to {span(one.possibly_s * 1000)})"


def _budget(one: BudgetResult) -> str:
    budget, before = one.budget, f", {span(one.used_before_s * 1000)} before" if one.used_before_s else ""
    by_leg = ", ".join(f"leg {leg}: {span(used * 1000)}" for leg, used in enumerate(one.by_leg_s) if used)
    legs = f" ({by_leg})" if by_leg else ""
    return (
        f"channel {one.channel} {budget.low_c} to {budget.high_c} degC: {span(one.used_s * 1000)} of "
        f"{span(budget.allowed_s * 1000)}{before}{legs}  {_WORDS[one.verdict]}"
    )


def _excursion(one: Excursion) -> str:
    unknown = "" if one.unknown_s == 0 else f", {_span(one.unknown_s)} of it unknown"
    within = "" if one.sure else ", within the uncertainty"
    legs = ", ".join(str(leg) for leg in one.legs)
    return (
        f"{_when(one.start)}  channel {one.channel} {one.side} {one.limit_c:.4g} degC for "
        f"{span(one.outside_s * 1000)}{unknown}, to {one.extreme_c:.2f} degC, {one.area_c_min:.1f} degC min"
        f"{within}, leg {legs}"
    )


def _channel(one: ChannelResult) -> list[str]:
    figures, within = one.statistics, one.series.uncertainty
    lines = [f"channel {one.series.number}  no readings"]
    if figures.percentiles_c:
        lines = [
            f"channel {one.series.number}  {figures.readings} readings, lowest {figures.lowest_c:.2f}, mean "
            f"{figures.mean_c:.2f} (sd {figures.sd_c:.2f}), highest {figures.highest_c:.2f}, 5 to 95 % from "
            f"{figures.percentiles_c[5]:.2f} to {figures.percentiles_c[95]:.2f} degC"
        ]
    lines += [f"  uncertain by {within.total_c:.3f} K ({within.basis}); {_span(one.series.unknown_s)} without reading"]
    if one.kinetic is not None:
        value, window = one.kinetic.value_c, span(one.kinetic.window_s * 1000)
        over = f"the highest over {window}" if one.kinetic.whole else f"over all, shorter than its window of {window}"
        reference = "" if one.kinetic.reference_c is None else f", reference {one.kinetic.reference_c:.4g}"
        lines += [f"  mean kinetic temperature {value:.2f} degC, {over}{reference}; for information"]
    return lines


def _span(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else span(seconds * 1000)


def _leg(made: Evaluation, one: Leg) -> str:
    known = {MEASURED: "", GUESSED: f"  [inferred, confidence {one.confidence or 0:.0%}]"}.get(one.basis, "  [stated]")
    figures = [channel.legs[one.number].statistics for channel in made.channels]
    ranges = [f"{it.lowest_c:.2f} to {it.highest_c:.2f} degC" for it in figures if it.lowest_c is not None]
    return f"{one.number}  {one.name}, {_span(one.length_s)}, {' / '.join(ranges) or 'no readings'}{known}"


def _shocks_by_leg(made: Evaluation) -> list[str]:
    damage = [] if made.damage is None else [damage_line(made.damage)]
    if not made.shocks:
        return damage
    return [leg_line(one, made.legs[one.leg].name) for one in made.leg_shocks] + damage


def _flag(one: Flag) -> str:
    return f"{_when(one.start)}  channel {one.channel}: {one.text}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, the last one as it is; nothing when there are no rows."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in (head, *rows)
    ]


def _section(title: str, entries: Sequence[str], most: int) -> list[str]:
    if not entries:
        return []
    more = len(entries) - most
    shown = [f"  {entry}" for entry in entries[:most]]
    return ["", title, *shown, *([f"  ... and {more} more; --all lists them"] if more > 0 else [])]
