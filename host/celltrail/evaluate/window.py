"""From when to when a trip is judged: the moments that a profile names, and time at both ends that it leaves out."""

import math
from collections.abc import Sequence

from celltrail.evaluate.legs import MARK, MILESTONE, Milestone
from celltrail.evaluate.series import Window
from celltrail.evaluate.timeline import Edge, Timeline
from celltrail.evidence import verdict as words
from celltrail.evidence.verify import Checked
from celltrail.plans.judging import ARMING, FIRST_MARK, LAST_MARK, STOP, Judging
from celltrail.sentence import Sentence


def window_of(checked: Checked, judging: Judging, events: Sequence[Milestone], timeline: Timeline) -> Window:
    """The window of a trip. A moment that is not there is replaced by the end of the record, with a note."""
    notes = []
    known = [one for one in events if one.source in (MARK, MILESTONE)]
    start, end = Edge(0, 0, 0), Edge(timeline.end, timeline.end, timeline.end)
    goes_on = checked.verdict.word == words.POWER_LOST
    if judging.start != ARMING:
        found = [one for one in known if judging.start in (FIRST_MARK, one.name)]
        if found:
            start = timeline.edge(found[0].moment)
        else:
            notes.append(Sentence("no event '{event}': judged from the beginning of the record", event=judging.start))
    if judging.end != STOP:
        found = [one for one in known if judging.end in (LAST_MARK, one.name)]
        if found:
            end, goes_on = timeline.edge(found[-1].moment), False
        else:
            notes.append(Sentence("no event '{event}': judged to the end of the record", event=judging.end))
    if goes_on:
        notes.append(Sentence("nothing shows how the trip ended: what came after the last reading is unknown"))
    if checked.verdict.word == words.RECORDING:
        notes.append(Sentence("the trip was still running: judged up to this read-out"))
    start = start.moved(_slots(judging.ignore_start_s, timeline))
    end = end.moved(-_slots(judging.ignore_end_s, timeline))
    return Window(_within(start, timeline), _within(end, timeline), goes_on, tuple(notes))


def _slots(seconds: int, timeline: Timeline) -> int:
    return math.ceil(seconds / timeline.period_s) if timeline.period_s else 0


def _within(edge: Edge, timeline: Timeline) -> Edge:
    return Edge(*(min(max(slot, 0), timeline.end) for slot in (edge.slot, edge.earliest, edge.latest)))
