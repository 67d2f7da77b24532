"""A trip as an EPCIS 2.0.1 document: an event for each mark and each end of a leg, with what the sensors say.

Statistics, not single readings, as GS1 advises; the readings are behind `rawData`. A leg's summary stands in the event
that ends it, the whole trip in a last event of sensor reporting. What was only inferred is no event. An excursion is a
sensor element of its own, from its start to its end, with ALARM_CONDITION.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celltrail.errors import UsageFault
from celltrail.evaluate.evaluation import ChannelResult, Evaluation
from celltrail.evaluate.excursions import Excursion
from celltrail.evaluate.legs import INFERRED, RECORD, Leg, Milestone
from celltrail.evaluate.shocks import ShockResult
from celltrail.evaluate.statistics import Statistics
from celltrail.evidence.record import Alarm
from celltrail.exchange.epcis_hash import event_id
from celltrail.exchange.places import Place, Places
from celltrail.exchange.uris import OWN, VOCABULARY, digest_uri, logger_uri, trip_uri
from celltrail.utc import iso
from celltrail_protocol.codes import OUTCOME_FAIL, OUTCOME_PASS

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
PREFIX = "celltrail"
PREFIXES = {PREFIX: VOCABULARY}
# UN/CEFACT Recommendation 20.
_CELSIUS, _G, _M_S, _SECOND, _PIECE = "CEL", "K40", "MTS", "SEC", "C62"
# What a mark does in the words of CBV; free marks and presses of the button are no business step.
STEPS = {
    "packed": "packing",
    "handed-over": "departing",
    "received": "receiving",
    "customs-hold": "holding",
    "customs-cleared": "inspecting",
    "stored": "storing",
    "loaded": "loading",
    "unloaded": "unloading",
    "delivered": "accepting",
    "opened": "unpacking",
    "inspected": "inspecting",
}
_CBV_STEPS = {
    "accepting", "arriving", "collecting", "consigning", "departing", "holding", "inspecting", "loading", "packing",
    "picking", "receiving", "shipping", "staging_outbound", "stocking", "storing", "transporting", "unloading",
    "unpacking",
}  # fmt: skip
# After these a parcel stays where it is, until somebody says otherwise.
_STAYS = {"stored", "delivered", "accepting", "opened"}
_OUTCOMES = {OUTCOME_PASS: "conformant", OUTCOME_FAIL: "non_conformant"}
_RANK = 95


@dataclass(frozen=True)
class Names:
    """What the trip is called elsewhere; empty names are replaced by our own."""

    objects: tuple[str, ...] = ()
    device: str = ""
    raw: str = ""


def epcis_document(made: Evaluation, places: Places, names: Names, now_ms: int) -> dict[str, Any]:
    """The document; UsageFault when no event has a time."""
    writer = _Writer(made, places, names)
    events = writer.events()
    if not events:
        raise UsageFault(f"{made.checked.trail.path}: no clock was set, so no event has a time; EPCIS needs one")
    return {
        "@context": [CONTEXT, dict(PREFIXES)],
        "id": f"{trip_uri(made.record)}:epcis",
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": iso(now_ms),
        "epcisBody": {"eventList": [{"eventID": event_id(one, PREFIXES), **one} for one in events]},
    }


class _Writer:
    """Makes the events of one trip."""

    def __init__(self, made: Evaluation, places: Places, names: Names) -> None:
        self._made, self._places = made, places
        self._objects = sorted(names.objects) or [trip_uri(made.record)]
        self._device = names.device or logger_uri(made.record)
        self._raw = names.raw or digest_uri(made.checked.verdict.digest)

    def events(self) -> list[dict[str, Any]]:
        """In the order of time: the ends of legs, marks that begin the first one, and the whole trip."""
        legs = self._stated_legs()
        found = [self._custody(None, legs[0].start)] if legs and legs[0].start.source != RECORD else []
        found += [self._custody(leg, leg.end) for leg in legs if leg.end.source != RECORD]
        return [one for one in [*found, self._whole(legs)] if one is not None]

    def _stated_legs(self) -> list[Leg]:
        """The legs without those that were inferred: these are no events that anybody saw."""
        known = [leg for leg in self._made.legs if INFERRED not in (leg.start.source, leg.end.source)]
        return known if len(known) == len(self._made.legs) else []

    # Events

    def _custody(self, leg: Leg | None, event: Milestone) -> dict[str, Any] | None:
        if event.moment.utc_ms is None:
            return None
        made = self._event(event, self._places.of(event))
        step = STEPS.get(event.name, event.name if event.name in _CBV_STEPS else "")
        if step:
            made["bizStep"] = step
        outcome = self._made.record.marks[event.mark].outcome if event.mark is not None else None
        if outcome in _OUTCOMES:
            made["disposition"] = _OUTCOMES[outcome]
        elements = [] if leg is None else self._leg(leg)
        return made | ({"sensorElementList": elements} if elements else {})

    def _whole(self, legs: Sequence[Leg]) -> dict[str, Any] | None:
        moment = self._made.end
        if moment.utc_ms is None:
            return None
        last = legs[-1] if legs else None
        before = last.start if last and last.end.source == RECORD else last.end if last else None
        place = self._places.of(before) if before is not None and before.name in _STAYS else Place("")
        event = self._event(Milestone(moment, "end", RECORD), place) | {"bizStep": "sensor_reporting"}
        ends_a_leg = last is not None and last.end.source == RECORD and len(legs) > 1
        return event | {"sensorElementList": [*self._summary(), *(self._leg(last) if last and ends_a_leg else [])]}

    def _event(self, event: Milestone, place: Place) -> dict[str, Any]:
        utc_ms = event.moment.utc_ms or 0.0
        made: dict[str, Any] = {
            "type": "ObjectEvent",
            "eventTime": iso(round(utc_ms)),
            "eventTimeZoneOffset": place.offset_at(utc_ms),
            "epcList": list(self._objects),
            "action": "OBSERVE",
        }
        return made | ({"readPoint": {"id": place.uri}} if place.uri else {})

    # Sensor elements

    def _leg(self, leg: Leg) -> list[dict[str, Any]]:
        span = self._span(leg.start.moment.utc_ms, leg.end.moment.utc_ms)
        reports = [
            report
            for channel in self._made.channels
            for report in self._statistics(channel, channel.legs[leg.number].statistics)
        ]
        reports += self._shocks([one for one in self._made.shocks if one.leg == leg.number])
        reports += [{"type": f"{PREFIX}:LegBasis", "stringValue": leg.basis}] if reports else []
        elements = [{"sensorMetadata": self._metadata(**span), "sensorReport": reports}] if reports else []
        elements += [self._excursion(one) for one in self._made.excursions if one.legs[:1] == (leg.number,)]
        return elements + [self._alarm(one) for one in self._made.record.alarms if self._leg_of(one) == leg.number]

    def _summary(self) -> list[dict[str, Any]]:
        """The whole trip: statistics, what is information only, and the answer."""
        reports = [report for channel in self._made.channels for report in self._whole_channel(channel)]
        reports += self._shocks(self._made.shocks)
        reports.append({"type": f"{PREFIX}:Answer", "stringValue": self._made.answer or "no limits"})
        reports.append({"type": f"{PREFIX}:Record", "stringValue": self._made.checked.verdict.word})
        reports.append({"type": f"{PREFIX}:RawDigest", "hexBinaryValue": self._made.checked.verdict.digest.hex()})
        rules = self._made.rules.name
        more = {"bizRules": f"{OWN}profile:{_plain(rules)}"} if rules else {}
        span = self._span(self._made.start.utc_ms, self._made.end.utc_ms)
        elements = [{"sensorMetadata": self._metadata(**span, **more), "sensorReport": reports}]
        if len(self._stated_legs()) <= 1:
            elements += [self._excursion(one) for one in self._made.excursions]
            elements += [self._alarm(one) for one in self._made.record.alarms]
        return elements

    def _whole_channel(self, channel: ChannelResult) -> list[dict[str, Any]]:
        reports = self._statistics(channel, channel.statistics)
        which = self._which(channel.series.number)
        if channel.kinetic is not None:
            value = _number(channel.kinetic.value_c)
            reports.append({"type": f"{PREFIX}:MeanKineticTemperature", **which, "value": value, "uom": _CELSIUS})
        unknown_s = channel.series.unknown_s
        if unknown_s:
            report = {"type": "Time", "exception": "ERROR_CONDITION", **which}
            reports.append(report | {"value": _number(unknown_s), "uom": _SECOND})
        return reports

    def _statistics(self, channel: ChannelResult, figures: Statistics) -> list[dict[str, Any]]:
        if figures.percentiles_c is None or figures.mean_c is None or figures.sd_c is None:
            return []
        return [
            {
                "type": "Temperature",
                **self._which(channel.series.number),
                "minValue": _number(figures.lowest_c),
                "maxValue": _number(figures.highest_c),
                "meanValue": _number(figures.mean_c),
                "sDev": _number(figures.sd_c),
                "percRank": _RANK,
                "percValue": _number(figures.percentiles_c[_RANK]),
                "uom": _CELSIUS,
            }
        ]

    def _shocks(self, shocks: Sequence[ShockResult]) -> list[dict[str, Any]]:
        """How many, and the hardest one: by axis, at its time. A component stands beside `value` only."""
        if not shocks:
            return []
        hardest = max(shocks, key=lambda one: one.resultant_g)
        when = {} if hardest.moment.utc is None else {"time": hardest.moment.utc}
        reports = [
            {"type": "Acceleration", **when, "value": _number(value), "component": axis, "uom": _G}
            for axis, value in zip("xyz", hardest.peak_g, strict=True)
        ]
        change = _number(hardest.velocity_change_m_s)
        return [
            {"type": "Count", "value": len(shocks), "uom": _PIECE},
            {"type": "Acceleration", **when, "maxValue": _number(hardest.resultant_g), "uom": _G},
            {"type": "Speed", **when, "value": change, "uom": _M_S},
            *reports,
        ]

    def _excursion(self, one: Excursion) -> dict[str, Any]:
        which = self._which(one.channel)
        extreme = {"maxValue" if one.is_high else "minValue": _number(one.extreme_c)}
        alarm = {"type": "Temperature", "exception": "ALARM_CONDITION", **which, **extreme, "uom": _CELSIUS}
        return {
            "sensorMetadata": self._metadata(**self._span(one.start.utc_ms, one.end.utc_ms)),
            "sensorReport": [
                alarm,
                {"type": f"{PREFIX}:Limit", **which, "value": _number(one.limit_c), "uom": _CELSIUS},
                {"type": "Time", **which, "value": _number(one.outside_s), "uom": _SECOND},
                {"type": f"{PREFIX}:DegreeMinutes", **which, "value": _number(one.area_c_min)},
            ],
        }

    def _alarm(self, one: Alarm) -> dict[str, Any]:
        """An alarm that the logger raised on the way."""
        utc_ms = self._made.checked.clock.utc_ms(one.at)
        report: dict[str, Any] = {"type": "Temperature", "exception": "ALARM_CONDITION", **self._which(one.channel)}
        if one.channel < len(self._made.record.channels):
            celsius = self._made.record.channels[one.channel].sensor.celsius(one.value_raw)
            report |= {"value": _number(celsius), "uom": _CELSIUS}
        when = {} if utc_ms is None else {"time": iso(utc_ms)}
        return {"sensorMetadata": self._metadata(**when), "sensorReport": [report]}

    def _leg_of(self, alarm: Alarm) -> int:
        legs = self._made.legs
        return next((leg.number for leg in legs if alarm.slot < leg.end_slot), legs[-1].number if legs else 0)

    def _metadata(self, **more: str) -> dict[str, str]:
        return {**more, "deviceID": self._device, "rawData": self._raw}

    def _which(self, channel: int) -> dict[str, str]:
        """Which channel, where there are several."""
        several = len(self._made.channels) > 1
        return {"deviceID": f"{logger_uri(self._made.record)}:channel:{channel}"} if several else {}

    def _span(self, start_ms: float | None, end_ms: float | None) -> Mapping[str, str]:
        ends = {"startTime": start_ms, "endTime": end_ms}
        if start_ms is not None and end_ms is not None and end_ms < start_ms:
            return {}
        return {name: iso(round(ms)) for name, ms in ends.items() if ms is not None}


def _number(value: float | None) -> float:
    return round(float(value or 0.0), 4)


def _plain(text: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "-._") else "-" for one in text)
