"""What `celltrail keys show` tells of a key store; no secret is among it."""

from dataclasses import asdict
from typing import Any

from celltrail.keys.bundle import Imported, given_text
from celltrail.keys.contacts import own_recipient, recipients, signers
from celltrail.keys.entries import TripEntry
from celltrail.keys.keystore import KeyStore
from celltrail.keys.signing import public_hex
from celltrail.utc import iso


def keys_json(keys: KeyStore) -> dict[str, Any]:
    """The document of `celltrail keys show --json`."""
    return {
        "keys": str(keys.folder),
        "recipient": own_recipient(keys),
        "signing_key": public_hex(keys) or None,
        "recipients": recipients(keys),
        "signers": signers(keys),
        "loggers": [
            {
                "uid": one.uid.hex(),
                "name": one.name,
                "made_utc": one.made_utc,
                "former_keys": len(one.former),
                "rotation_open": one.next is not None,
            }
            for one in keys.devices()
        ],
        "trips": [_trip_json(one) for one in keys.trips()],
    }


def _trip_json(one: TripEntry) -> dict[str, Any]:
    return {
        "trip": one.called,
        "uid": one.uid.hex(),
        "number": one.trip,
        "profile": one.receipt.profile if one.receipt else None,
        "armed_utc": iso(one.receipt.armed_utc_ms) if one.receipt else None,
        "read_outs": [asdict(read) for read in one.read_outs],
        "given": [asdict(given) for given in one.given],
        "from": asdict(one.maker) if one.maker else None,
    }


def keys_lines(keys: KeyStore) -> list[str]:
    """The store for people: who, which loggers, which trips and where their keys went."""
    lines = [f"key store    {keys.folder}", f"recipient    {own_recipient(keys)}"]
    signing = public_hex(keys)
    lines += [f"signing key  {signing}"] if signing else []
    devices, trips = keys.devices(), keys.trips()
    lines += ["", f"loggers that this computer can command: {len(devices) or 'none'}"]
    for one in devices:
        state = ", a rotation is open: celltrail keys rotate" if one.next else ""
        former = f", {len(one.former)} former key{'s' if len(one.former) > 1 else ''}" if one.former else ""
        lines.append(f"  {one.name}  uid {one.uid.hex()}, since {one.made_utc[:10]}{former}{state}")
    lines += ["", f"trips whose key is here: {len(trips) or 'none'}"]
    for trip in trips:
        lines += _trip_lines(trip)
    return lines


def _trip_lines(trip: TripEntry) -> list[str]:
    armed = f", armed {iso(trip.receipt.armed_utc_ms)[:10]}" if trip.receipt else ", without receipt"
    profile = f"  {trip.receipt.profile}" if trip.receipt and trip.receipt.profile else ""
    count = len(trip.read_outs)
    read = f", {count} read-out{'s' if count > 1 else ''} verified here" if count else ", no read-out verified here"
    lines = [f"  {trip.called}{profile}{armed}{read}"]
    lines += [f"      given to {given_text(trip.given)}"] if trip.given else []
    if trip.maker:
        by = f" by {trip.maker.operator}" if trip.maker.operator else ""
        lines.append(f"      from {trip.maker.recipient[:12]}...{by}, {trip.maker.utc[:10]}")
    return lines


def import_lines(done: Imported) -> list[str]:
    """What came with a bundle, and who made it, as it says of itself."""
    trip, device, maker = done.bundle.trip, done.bundle.device, done.bundle.maker
    lines = [f"{trip.called}: {'its key is in the key store now' if done.new_trip else 'its key was here already'}"]
    if device is not None:
        lines.append(f"the device key came with it{'' if done.new_device else ', and was here already'}")
    by = f" by {maker.operator}" if maker.operator else ""
    lines.append(f"made {maker.utc[:16].replace('T', ' ')} UTC{by}, as it says of itself: {maker.recipient}")
    if maker.signing_key:
        lines.append(f"its read-outs are signed by {maker.signing_key}; ask its maker whether that is so, then")
        lines.append("give the key a name: celltrail keys signer add NAME HEX")
    return lines
