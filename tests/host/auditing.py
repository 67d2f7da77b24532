"""What the tests of verification share: read-outs with changed bytes, receipts that fit, and the verdict on them."""

import zlib
from pathlib import Path

from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail_protocol import cbor, seals
from tests.host.forge import K0, START_UTC_MS
from tests.host.test_keystore import a_receipt

NOWHERE = Path("a.trail")


def check(parts, keys, sign=None, wanted=None):
    """The verdict on a sound file with these parts."""
    return check_trail(parse_trail(trail_bytes(parts, sign), NOWHERE), keys, wanted).verdict


def with_sectors(forge, sectors, first=0, **meta):
    """A read-out of whole sectors."""
    return TrailParts(forge.meta(**meta), [(first, b"".join(sectors))])


def changed(data, offset, mask=0x01):
    """The same bytes with some bits of one turned."""
    return data[:offset] + bytes([data[offset] ^ mask]) + data[offset + 1 :]


def receipt_of(forge, **changes):
    """The arm receipt of a forged trip: `Forge.arm` sets the clock at tick 5000."""
    made = {
        "uid": forge.uid,
        "trip": forge.trip,
        "plan": cbor.loads(forge.settings),
        "settings_hash": seals.sha256(forge.settings).digest(),
        "commitment": seals.commitment(forge.k0),
        "armed_utc_ms": START_UTC_MS + 123,
        "tick_ms": 5123,
    }
    return a_receipt(**(made | changes))


def key_of(epoch, k0=K0):
    """K(epoch)."""
    key = k0
    for _ in range(epoch):
        key = seals.next_key(key)
    return key


def with_crc(data, start, length):
    """A checked record at `start` whose crc32 is right again."""
    end = start + length - 4
    return data[:end] + zlib.crc32(data[start:end]).to_bytes(4, "little") + data[end + 4 :]


def u32(value):
    """Four bytes."""
    return value.to_bytes(4, "little")
