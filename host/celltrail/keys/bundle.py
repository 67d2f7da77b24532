"""A trip's K(0) and receipt for another site: an age file for one recipient (docs/keys.md)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from celltrail import __version__
from celltrail.errors import RefusedFault, UsageFault
from celltrail.files import read_bytes, write_atomic
from celltrail.keys.age_box import open_with, seal_to
from celltrail.keys.contacts import own_recipient, own_secret
from celltrail.keys.entries import DeviceEntry, Given, Maker, TripEntry, device_entry, trip_entry
from celltrail.keys.keystore import KeyStore, now_iso
from celltrail.keys.signing import public_hex
from celltrail.plain_text import printable
from celltrail_protocol.seals import commitment

_KIND = "celltrail trip keys"
_VERSION = 1
_MOST_BYTES = 10_000_000
# A public key of 64 digits is the longest that we write.
_LONGEST_TEXT = 100


@dataclass(frozen=True)
class Bundle:
    """What a file holds: a trip's key, perhaps its logger's device key, and who made it, as it says of itself."""

    trip: TripEntry
    device: DeviceEntry | None
    maker: Maker


@dataclass(frozen=True)
class Imported:
    """A bundle, and which of its parts were new here."""

    bundle: Bundle
    new_trip: bool
    new_device: bool


def find_trip(keys: KeyStore, text: str) -> TripEntry:
    """The trip that is called 7, CT-3F2A91-7 or <uid>-7; UsageFault when none or several are."""
    trips = keys.trips()
    found = [one for one in trips if text in (one.called, f"{one.uid.hex()}-{one.trip}", str(one.trip))]
    if not found:
        raise UsageFault(f"the key store {keys.folder} knows no trip {text!r}; `celltrail keys show` lists them")
    if len(found) > 1:
        names = ", ".join(f"{one.uid.hex()}-{one.trip}" for one in found)
        raise UsageFault(f"{text!r} is more than one trip: {names}; name one of these")
    return found[0]


def export_trip(
    keys: KeyStore,
    trip: TripEntry,
    to: tuple[str, str],
    path: Path,
    *,
    operator: str = "",
    before_read_out: bool = False,
    device_key: bool = False,
    replace: bool = False,
) -> None:
    """Write a bundle for one recipient (name, age1...), and remember that it was given.

    RefusedFault when no read-out of the trip was verified here: from now on the other one could forge it.
    """
    name, recipient = to
    if not trip.read_outs and not before_read_out:
        raise RefusedFault(
            f"no read-out of {trip.called} was verified here, and whoever holds its key could forge one: read it out"
            " first, name its .trail file, or pass --before-read-out"
        )
    device = keys.device(trip.uid) if device_key else None
    if device_key and device is None:
        raise UsageFault(f"the key store {keys.folder} holds no device key of {trip.called}'s logger")
    given = Given(recipient, name, now_iso(), not trip.read_outs, device is not None)
    maker = Maker(own_recipient(keys), public_hex(keys), operator, f"celltrail {__version__}", given.utc)
    # Remembered before it exists: a key that is out and not written down would be worse than the other way round.
    keys.amend_trip(trip.uid, trip.trip, {"given": [asdict(one) for one in (*trip.given, given)]})
    write_atomic(path, seal_to(_to_bytes(trip, device, maker), recipient), replace=replace, private=True)


def _to_bytes(trip: TripEntry, device: DeviceEntry | None, maker: Maker) -> bytes:
    receipt = trip.receipt.to_json() if trip.receipt else None
    values: dict[str, Any] = {
        "kind": _KIND,
        "version": _VERSION,
        "maker": asdict(maker),
        "trip": {"uid": trip.uid.hex(), "trip": trip.trip, "k0": trip.k0.hex(), "receipt": receipt},
    }
    if device is not None:
        values["device"] = {
            "uid": device.uid.hex(),
            "name": device.name,
            "key": device.key.hex(),
            "made_utc": device.made_utc,
        }
    return json.dumps(values).encode()


def read_bundle(keys: KeyStore, path: Path) -> Bundle:
    """Open a bundle with this store's identity; UsageFault, RefusedFault when it is for somebody else."""
    opened = open_with(read_bytes(path, _MOST_BYTES), own_secret(keys), str(path))
    try:
        return _from_json(json.loads(opened))
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError, UsageFault):
        # What went wrong may quote what is inside.
        raise UsageFault(f"{path}: opens, but is no bundle of trip keys that this program knows") from None


def _from_json(values: Mapping[str, Any]) -> Bundle:
    if values["kind"] != _KIND or values["version"] != _VERSION:
        raise ValueError("another kind or version")
    maker = Maker(**{name: printable(str(value), _LONGEST_TEXT) for name, value in values["maker"].items()})
    trip = trip_entry({name: values["trip"].get(name) for name in ("uid", "trip", "k0", "receipt")})
    device = device_entry(values["device"]) if values.get("device") else None
    receipt = trip.receipt
    if receipt and (receipt.uid, receipt.trip, receipt.commitment) != (trip.uid, trip.trip, commitment(trip.k0)):
        raise ValueError("the receipt is that of another key")
    if device and device.uid != trip.uid:
        raise ValueError("the device key is that of another logger")
    return Bundle(trip, device, maker)


def import_bundle(keys: KeyStore, path: Path) -> Imported:
    """Take a bundle into the store, whole or not at all; RefusedFault when the trip is known with another key."""
    bundle = read_bundle(keys, path)
    trip, known = bundle.trip, keys.trip(bundle.trip.uid, bundle.trip.trip)
    if known is not None and known.k0 != trip.k0:
        raise RefusedFault(
            f"{path}: brings another key for {trip.called} than this key store holds; nothing was imported."
            " One of the two is wrong: ask its maker"
        )
    new_device = bundle.device is not None and keys.add_device_key(
        bundle.device.uid, bundle.device.name, bundle.device.key
    )
    keys.save_trip(trip.uid, trip.trip, trip.k0, trip.receipt if known is None or known.receipt is None else None)
    if known is None:
        keys.amend_trip(trip.uid, trip.trip, {"maker": asdict(bundle.maker)})
    return Imported(bundle, known is None, new_device)


def given_text(given: Sequence[Given]) -> str:
    """Köln QC on 2025-03-01; age1abcd... on 2025-03-02, before a read-out."""
    return "; ".join(
        f"{one.name or one.recipient[:12] + '...'} on {one.utc[:10]}"
        + (", before a read-out" if one.before_read_out else "")
        + (", with the device key" if one.device_key else "")
        for one in given
    )
