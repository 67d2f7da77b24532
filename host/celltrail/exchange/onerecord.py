"""A trip as ONE Record 3.2 objects in JSON-LD: the piece, the logger on it, its sensors, and what happened.

As the community advises, no stream of readings: for each leg the lowest, mean and highest value and the spread, as
sensors of their own; excursions as measurements of their extremes and as events of the sensor; custody events of the
piece; and a reference to the read-out itself. All readings only when they are asked for. What was inferred is no event.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid5

from celltrail.evaluate.evaluation import ChannelResult, Evaluation
from celltrail.evaluate.excursions import Excursion
from celltrail.evaluate.legs import INFERRED, RECORD, Milestone
from celltrail.exchange.places import Places
from celltrail.exchange.uris import digest_uri, logger_uri, trip_uri
from celltrail.utc import iso

VERSION = "3.2"
CONTEXT = {
    "cargo": "https://onerecord.iata.org/ns/cargo#",
    "ccodes": "https://onerecord.iata.org/ns/code-lists/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
# For ids of objects that stand inside others, the same for the same content.
_NAMESPACE = UUID("5a3f0f52-6c0e-5b1e-9d3b-0c8f4d7a2e11")
_CELSIUS, _G = "CEL", "K40"
_STATUS = {
    "customs-hold": "TGC",
    "customs-cleared": "CCD",
    "stored": "FIW",
    "loaded": "MAN",
    "unloaded": "RCF",
    "delivered": "DLV",
    "departed": "DEP",
    "departing": "DEP",
    "arrived": "ARR",
    "arriving": "ARR",
}
_STATISTICS = {"lowest": "lowest_c", "mean": "mean_c", "highest": "highest_c", "standard deviation": "sd_c"}
Node = dict[str, Any]


def onerecord_document(
    made: Evaluation, places: Places, piece: str = "", raw: str = "", *, series: bool = False
) -> dict[str, Any]:
    """The graph; `series` adds each reading as a measurement."""
    return _Writer(made, places, piece, raw, series).document()


class _Writer:
    """Makes the objects of one trip."""

    def __init__(self, made: Evaluation, places: Places, piece: str, raw: str, series: bool) -> None:
        self._made, self._places, self._series = made, places, series
        self._device = logger_uri(made.record)
        self._trip = trip_uri(made.record)
        self._piece = piece or f"{self._trip}:piece"
        self._raw = raw
        self._graph: list[Node] = []

    def document(self) -> dict[str, Any]:
        """Everything, each object once."""
        sensors = [sensor for channel in self._made.channels for sensor in self._thermometers(channel)]
        sensors += self._accelerometer()
        events = list(self._custody())
        record, digest = self._made.record, self._made.checked.verdict.digest
        reference = f"{self._trip}:read-out"
        device = {
            "@id": self._device,
            "@type": "cargo:IotDevice",
            "cargo:name": record.name or record.uid.hex(),
            "cargo:serialNumber": record.uid.hex(),
            "cargo:deviceModel": "Celltrail logger",
            "cargo:description": self._description(),
            "cargo:attachedToObject": _ref(self._piece),
            "cargo:connectedSensors": [_ref(one["@id"]) for one in sensors],
            "cargo:externalReferences": [_ref(reference)],
        }
        piece = {
            "@id": self._piece,
            "@type": "cargo:Piece",
            "cargo:attachedIotDevices": [_ref(self._device)],
            "cargo:specialHandlingCodes": [_ref("ccodes:SpecialHandlingCode#EMD")],
            "cargo:events": [_ref(one["@id"]) for one in events],
        }
        raw = {
            "@id": reference,
            "@type": "cargo:ExternalReference",
            "cargo:documentName": self._made.checked.trail.path.name,
            "cargo:documentType": "Celltrail read-out (.trail)",
            "cargo:documentIdentifier": self._trip,
            "cargo:documentLink": self._raw or digest_uri(digest),
            "cargo:checksum": f"sha-256:{digest.hex()}",
            "cargo:referenceForObjects": [_ref(self._device)],
        }
        nodes: list[Node] = [piece, device, raw, *sensors, *events, *self._graph]
        return {"@context": dict(CONTEXT), "@graph": [_without_empty(one) for one in nodes]}

    def _description(self) -> str:
        made = self._made
        start, end = made.start.utc or "an unknown time", made.end.utc or "an unknown time"
        answer = made.answer or "no limits given"
        return f"trip {made.record.trip} from {start} to {end}; limits {made.rules.name}: {answer}"

    # Sensors

    def _thermometers(self, channel: ChannelResult) -> list[Node]:
        """The channel itself with its excursions, and one sensor for each statistic with a value for each leg."""
        number = channel.series.number
        own = f"{self._device}:channel:{number}"
        mine = [one for one in self._made.excursions if one.channel == number]
        measured = [self._measurement(own, one.extreme_at.utc_ms, one.extreme_c, _CELSIUS) for one in mine]
        if self._series:
            measured = self._readings(own, channel)
        events = [event for one in mine for event in self._excursion(own, one)]
        model = self._made.record.channels[number].sensor.name
        within_c = channel.series.uncertainty.total_c
        return [
            self._sensor(own, f"temperature {number}", "THERMOMETER", measured)
            | {"cargo:description": f"{model}, readings within {within_c:.3f} K", "cargo:events": events},
            *(self._statistic(own, number, channel, *one) for one in _STATISTICS.items()),
        ]

    def _statistic(self, own: str, number: int, channel: ChannelResult, name: str, field: str) -> Node:
        values = [(leg.end.moment.utc_ms, channel.legs[leg.number].statistics) for leg in self._made.legs]
        measured = [
            self._measurement(f"{own}:{name}", utc_ms, getattr(figures, field), _CELSIUS)
            for utc_ms, figures in values
            if getattr(figures, field) is not None
        ]
        made = self._sensor(f"{own}:{name.replace(' ', '-')}", f"temperature {number}, {name}", "THERMOMETER", measured)
        return made | {"cargo:description": f"the {name} of each leg, at its end"}

    def _accelerometer(self) -> list[Node]:
        shocks = self._made.shocks
        if not self._made.record.accel_model:
            return []
        own = f"{self._device}:accelerometer"
        measured = [self._measurement(own, one.moment.utc_ms, one.resultant_g, _G) for one in shocks]
        if shocks:
            # Recommendation 20 has it, the code list does not yet: an open list takes new members.
            self._graph.append({"@id": _unit(_G), "@type": "ccodes:MeasurementUnitCode"})
        made = self._sensor(own, "shocks", "ACCELEROMETER", measured)
        return [made | {"cargo:description": "the peak of each shock event, resultant of three axes, away from rest"}]

    def _sensor(self, own: str, name: str, kind: str, measured: Iterable[Node | None]) -> Node:
        return {
            "@id": own,
            "@type": "cargo:Sensor",
            "cargo:name": name,
            "cargo:sensorType": _ref(f"cargo:{kind}"),
            "cargo:partOfIotDevice": _ref(self._device),
            "cargo:measurements": [one for one in measured if one is not None],
        }

    def _readings(self, own: str, channel: ChannelResult) -> list[Node | None]:
        series, record = channel.series, self._made.record
        utc, _ = self._made.checked.clock.utc_of(*record.instants_of(series.judged_slots))
        pairs = zip(utc.tolist(), series.judged_celsius.tolist(), strict=True)
        return [self._measurement(own, utc_ms, celsius, _CELSIUS) for utc_ms, celsius in pairs]

    def _measurement(self, own: str, utc_ms: float | None, value: float, unit: str) -> Node | None:
        if utc_ms is None or utc_ms != utc_ms:
            return None
        when, number = iso(round(utc_ms)), repr(round(float(value), 4))
        return {
            "@id": self._internal(own, when, number, "measurement"),
            "@type": "cargo:Measurement",
            "cargo:measurementTimestamp": _time(when),
            "cargo:measurementValue": {
                "@id": self._internal(own, when, number, "value"),
                "@type": "cargo:Value",
                "cargo:numericalValue": {"@type": "xsd:double", "@value": number},
                "cargo:unit": _ref(_unit(unit)),
            },
        }

    # Events

    def _excursion(self, own: str, one: Excursion) -> list[Node]:
        limit = f"excursion {one.side} {one.limit_c:.4g} degC"
        found = []
        for word, moment in (("begins", one.start), ("ends", one.end)):
            if moment.utc is not None:
                name = f"{limit} {word}"
                found.append(self._event(self._internal(own, moment.utc, name), name, moment.utc, own))
        return found

    def _custody(self) -> Iterable[Node]:
        legs = self._made.legs
        events = [leg.start for leg in legs[:1]] + [leg.end for leg in legs]
        seen: list[str] = []
        for number, one in enumerate(events):
            if one.source in (RECORD, INFERRED) or one.moment.utc is None:
                continue
            event = self._event(f"{self._trip}:event:{number}", one.name, one.moment.utc, self._piece)
            code = status_code(one.name, seen)
            seen.append(one.name)
            if code:
                event["cargo:eventCode"] = _ref(f"ccodes:StatusCode#{code}")
            yield event | self._location(one)

    def _event(self, own: str, name: str, when: str, of: str) -> Node:
        return {
            "@id": own,
            "@type": "cargo:LogisticsEvent",
            "cargo:eventName": name,
            "cargo:eventDate": _time(when),
            "cargo:eventTimeType": _ref("cargo:ACTUAL"),
            "cargo:eventFor": _ref(of),
        }

    def _location(self, one: Milestone) -> Node:
        if not one.place:
            return {}
        known = self._places.of(one)
        own = known.uri or self._internal(one.place, "", "location")
        if all(node["@id"] != own for node in self._graph):
            self._graph.append({"@id": own, "@type": "cargo:Location", "cargo:locationName": known.name})
        return {"cargo:eventLocation": _ref(own)}

    def _internal(self, *parts: str) -> str:
        return f"internal:{uuid5(_NAMESPACE, ' '.join((self._trip, *parts)))}"


def status_code(name: str, before: Sequence[str]) -> str:
    """The StatusCode of a custody event, by what came before it; empty when none says the same."""
    if name == "received":
        return "RCF" if "unloaded" in before else "RCS"
    if name == "handed-over":
        return "" if {"handed-over", "received", "loaded"} & set(before) else "DPU"
    return _STATUS.get(name, "")


def _ref(own: str) -> Node:
    return {"@id": own}


def _unit(code: str) -> str:
    return f"ccodes:MeasurementUnitCode#{code}"


def _time(text: str) -> Node:
    return {"@type": "xsd:dateTime", "@value": text}


def _without_empty(node: Node) -> Node:
    return {key: value for key, value in node.items() if value != []}
