"""Names that others resolve: URIs as they are given, GS1 keys in their one canonical form, and names of our own.

Two programs give an event the same hash only when they write its URIs alike. So a GS1 key is taken as a canonical GS1
Digital Link with a right check digit, and refused in any other form.
"""

import re
from base64 import urlsafe_b64encode

from celltrail.errors import UsageFault
from celltrail.evidence.record import Record

OWN = "urn:x-celltrail:"
VOCABULARY = f"{OWN}voc:"
_GS1 = "https://id.gs1.org/"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
# Keys whose first digits end with a check digit, and how many these are.
_CHECKED = {
    "00": 18, "01": 14, "253": 13, "255": 13, "402": 17, "414": 13, "417": 13, "8003": 14, "8006": 18, "8017": 18,
    "8018": 18,
}  # fmt: skip
_FREE = {"401", "8004", "8010"}
# What may follow: a serial number, a batch, a part of a place.
_QUALIFIERS = {"01": {"21", "10", "235"}, "414": {"254"}, "8006": {"21", "10"}}
_REST = re.compile(r"[\x22\x27\x2D\x2E\x30-\x39\x3B-\x3F\x41-\x5A\x5F\x61-\x7A]{1,30}")
_LINK = re.compile(rf"/({'|'.join([*_CHECKED, *_FREE])})/")


def logger_uri(record: Record) -> str:
    """The logger: urn:x-celltrail:logger:e66118604b3f2a91."""
    return f"{OWN}logger:{record.uid.hex()}"


def trip_uri(record: Record) -> str:
    """One trip of it."""
    return f"{OWN}trip:{record.uid.hex()}:{record.trip}"


def digest_uri(digest: bytes) -> str:
    """A file by its SHA-256 (RFC 6920)."""
    return "ni:///sha-256;" + urlsafe_b64encode(digest).rstrip(b"=").decode()


def checked_uri(where: str, text: str) -> str:
    """The URI as it is; UsageFault for what is none, and for a GS1 key that is not written canonically."""
    if not _URI.fullmatch(text):
        raise UsageFault(f"{where}: {text!r} is not a URI; write for instance https://id.gs1.org/414/9506000134307")
    if text.startswith(_GS1):
        _check_key(where, text)
    elif text.lower().startswith(("urn:epc:", "http://id.gs1.org")) or _LINK.search(text):
        raise UsageFault(f"{where}: {text!r} holds a GS1 key; write it as a Digital Link: {_GS1}414/9506000134307")
    return text


def _check_key(where: str, text: str) -> None:
    parts = text.removeprefix(_GS1).split("/")
    key, value, *more = [*parts, "", ""][: max(len(parts), 2)]
    digits = _CHECKED.get(key)
    if digits is None and key not in _FREE:
        raise UsageFault(f"{where}: {text!r}: {key!r} is not the key of a thing or a place")
    qualified = len(more) == 2 and more[0] in _QUALIFIERS.get(key, ()) and _REST.fullmatch(more[1]) is not None
    if not (_is_value(key, value, digits) and (not more or qualified)):
        raise UsageFault(
            f"{where}: {text!r} is not a canonical GS1 Digital Link; see its key in the GS1 specifications"
        )
    if digits is not None and check_digit(value[: digits - 1]) != value[digits - 1]:
        raise UsageFault(
            f"{where}: {text!r} has a wrong check digit; the last of {value[:digits]} would be "
            f"{check_digit(value[: digits - 1])}"
        )


def _is_value(key: str, value: str, digits: int | None) -> bool:
    if digits is None:
        return _REST.fullmatch(value) is not None
    if not re.fullmatch(r"[0-9]+", value[:digits]) or len(value) < digits:
        return False
    serial = value[digits:]
    return not serial or (key in ("253", "255", "8003") and _REST.fullmatch(serial) is not None)


def check_digit(digits: str) -> str:
    """Of a GS1 key without it (GS1 General Specifications, section 7.9.1)."""
    total = sum(int(one) * (3 if place % 2 == 0 else 1) for place, one in enumerate(reversed(digits)))
    return str(-total % 10)
