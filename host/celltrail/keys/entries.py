"""What the key store knows of a logger and of a trip, and how it stands in their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celltrail.keys.receipt import Receipt
from celltrail.plain_text import plain
from celltrail_protocol.records import LAST_TRIP, UID_SIZE
from celltrail_protocol.seals import KEY_SIZE


@dataclass(frozen=True)
class DeviceEntry:
    """A logger that this host may command.

    `next` is a key that was sent to it and of which nobody knows yet whether it took it; `former` are its keys of
    before. None is ever thrown away: a logger whose key is lost takes no command any more.
    """

    uid: bytes
    name: str
    key: bytes
    made_utc: str
    next: bytes | None = None
    former: tuple[bytes, ...] = ()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """All keys that it may have, the likeliest first."""
        return tuple(dict.fromkeys([self.key, *([self.next] if self.next else []), *self.former]))


@dataclass(frozen=True)
class ReadOut:
    """A read-out of a trip that was verified on this host; `sha256` is that of the file."""

    sha256: str
    verdict: str
    utc: str


@dataclass(frozen=True)
class Given:
    """To whom a trip's key was given, and when; `before_read_out`: no read-out was verified here before."""

    recipient: str
    name: str
    utc: str
    before_read_out: bool = False
    device_key: bool = False


@dataclass(frozen=True)
class Maker:
    """Who made a bundle of keys, as it says of itself."""

    recipient: str
    signing_key: str
    operator: str
    host: str
    utc: str


@dataclass(frozen=True)
class TripEntry:
    """A trip that this host armed, or whose key it was given by `maker`."""

    uid: bytes
    trip: int
    k0: bytes
    receipt: Receipt | None
    read_outs: tuple[ReadOut, ...] = ()
    given: tuple[Given, ...] = ()
    maker: Maker | None = None

    @property
    def called(self) -> str:
        """CT-3F2A91-7: the logger's name and the trip's number."""
        return f"{self.receipt.name if self.receipt and self.receipt.name else self.uid.hex()}-{self.trip}"


def checked(key: bytes) -> bytes:
    """The key itself; ValueError when it has another length."""
    if len(key) != KEY_SIZE:
        raise ValueError(f"a key has {KEY_SIZE} bytes, not {len(key)}")
    return key


def _uid(values: Mapping[str, Any]) -> bytes:
    uid = bytes.fromhex(values["uid"])
    if len(uid) != UID_SIZE:
        raise ValueError(f"a logger's id has {UID_SIZE} bytes, not {len(uid)}")
    return uid


def _trip(values: Mapping[str, Any]) -> int:
    trip = int(values["trip"])
    if not 0 <= trip <= LAST_TRIP:
        raise ValueError(f"there is no trip {trip}")
    return trip


def device_entry(values: Mapping[str, Any]) -> DeviceEntry:
    """From a file's JSON; KeyError, TypeError, ValueError."""
    uid, name, key = _uid(values), plain(values["name"]), checked(bytes.fromhex(values["key"]))
    following = checked(bytes.fromhex(values["next"])) if values.get("next") else None
    former = tuple(checked(bytes.fromhex(one)) for one in values.get("former", ()))
    return DeviceEntry(uid, name, key, str(values["made_utc"]), following, former)


def trip_entry(values: Mapping[str, Any]) -> TripEntry:
    """From a file's JSON; KeyError, TypeError, ValueError."""
    maker = values.get("maker")
    return TripEntry(
        uid=_uid(values),
        trip=_trip(values),
        k0=checked(bytes.fromhex(values["k0"])),
        receipt=Receipt.from_json(values["receipt"]) if values.get("receipt") else None,
        read_outs=tuple(ReadOut(**one) for one in values.get("read_outs", ())),
        given=tuple(Given(**one) for one in values.get("given", ())),
        maker=Maker(**maker) if maker else None,
    )
