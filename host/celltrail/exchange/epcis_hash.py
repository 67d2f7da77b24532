"""The name of an EPCIS event made from what it says: the CBV 2.0 event hash ID (CBV 8.9).

The canonical text lists the fields in the standard's order, each as name=value, with lists sorted by their own texts;
its SHA-256 is the name. The order within sources, and of `type` before a value, is that of the programs in use, which
the standard's table has the other way round. Only the fields that our events have are known; others are refused, since
a name that another program can't find again is worse than none.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

_GS1 = "https://gs1.org/voc/"
_CBV = "https://ref.gs1.org/cbv/"
_METADATA = (
    "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules",
)  # fmt: skip
_REPORT = (
    "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time", "microorganism",
    "chemicalSubstance", "value", "component", "stringValue", "booleanValue", "hexBinaryValue", "uriValue", "minValue",
    "maxValue", "meanValue", "sDev", "percRank", "percValue", "uom", "coordinateReferenceSystem",
)  # fmt: skip
# How bare words of a field are written in full.
_WORDS = {
    "bizStep": f"{_CBV}BizStep-",
    "disposition": f"{_CBV}Disp-",
    "component": f"{_CBV}Comp-",
    "type": _GS1,
    "exception": _GS1,
}
_EVENT = ("eventTime", "eventTimeZoneOffset", "epcList", "action", "bizStep", "disposition", "readPoint", "bizLocation")
_NOT_HASHED = {"type", "eventID", "recordTime"}


def event_id(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> str:
    """ni:///sha-256;...?ver=CBV2.0 for an event; `prefixes` are those of the document's context."""
    return f"ni:///sha-256;{sha256(canonical(event, prefixes).encode()).hexdigest()}?ver=CBV2.0"


def canonical(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> str:
    """The text that is hashed; ValueError for a field that is not known here."""
    _only(event, {*_EVENT, "sensorElementList", *_NOT_HASHED})
    parts = [f"eventType={event['type']}"]
    for name in _EVENT:
        if name in event:
            parts.append(_field(name, event[name], prefixes))
    elements = sorted(_element(one, prefixes) for one in event.get("sensorElementList", ()))
    return "".join([*parts, *(["sensorElementList", *elements] if elements else [])])


def _field(name: str, value: Any, prefixes: Mapping[str, str]) -> str:
    if name == "epcList":
        return "".join([name, *sorted(f"epc={one}" for one in value)]) if value else ""
    if name in ("readPoint", "bizLocation"):
        _only(value, {"id"})
        return f"{name}id={value['id']}"
    return f"{name}={_value(name, value, prefixes)}"


def _element(element: Mapping[str, Any], prefixes: Mapping[str, str]) -> str:
    _only(element, {"sensorMetadata", "sensorReport"})
    metadata = _fields(_METADATA, element.get("sensorMetadata", {}), prefixes)
    reports = sorted(f"sensorReport{_fields(_REPORT, one, prefixes)}" for one in element["sensorReport"])
    return "".join(["sensorElement", *(["sensorMetadata", metadata] if metadata else []), *reports])


def _fields(order: Sequence[str], values: Mapping[str, Any], prefixes: Mapping[str, str]) -> str:
    _only(values, set(order))
    return "".join(f"{name}={_value(name, values[name], prefixes)}" for name in order if name in values)


def _value(name: str, value: Any, prefixes: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        raise ValueError(f"{name}: programs write truth values differently")
    if isinstance(value, int | float):
        return str(int(value)) if int(value) == value else str(float(value))
    if name.endswith("ime"):
        return _instant(value)
    prefix, _, rest = value.partition(":")
    if prefix in prefixes:
        return f"{prefixes[prefix]}{rest}"
    return _WORDS[name] + value if name in _WORDS and ":" not in value else str(value)


def _instant(text: str) -> str:
    """In UTC, to the millisecond."""
    instant = datetime.fromisoformat(text).astimezone(UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{round(instant.microsecond / 1000):03d}Z"


def _only(values: Mapping[str, Any], known: set[str]) -> None:
    if unknown := values.keys() - known:
        raise ValueError(f"no canonical form is known for {', '.join(sorted(unknown))}")
