"""What somebody can do who has a read-out and every key but those that the ratchet destroyed.

Works on the bytes of honest sectors, with the protocol package only.
"""

import zlib

from celltrail_protocol import frames, seals
from celltrail_protocol.layout import size
from celltrail_protocol.records import (
    FRAMES_AT,
    FRAMES_END,
    HEADER,
    HEADER_AT,
    SEAL,
    SEAL_A_AT,
    SEAL_TAGGED,
)
from tests.host.auditing import u32, with_crc

SEQUENCE, TRIP, INDEX, EPOCH, PREV_TAG = 8, 12, 16, 20, 36
_TAG = 16


def header_u32(sector, offset):
    """A field of a sector's header."""
    return int.from_bytes(sector[HEADER_AT + offset : HEADER_AT + offset + 4], "little")


def set_header(sector, offset, value):
    """Other bytes in the header, with its crc32 right again."""
    at = HEADER_AT + offset
    return with_crc(sector[:at] + value + sector[at + len(value) :], HEADER_AT, size(HEADER))


def set_seal(sector, offset, value):
    """Other bytes in the seal, with its crc32 right again."""
    at = SEAL_A_AT + offset
    return with_crc(sector[:at] + value + sector[at + len(value) :], SEAL_A_AT, size(SEAL))


def frames_of(sector, kind=None):
    """(offset, type, start, end) of the frames of one type, or of all."""
    end = min(len(sector), FRAMES_END)
    found = frames.scan_all(sector, FRAMES_AT, end, header_u32(sector, SEQUENCE))[0]
    return [one for one in found if kind in (None, one[1])]


def put_frame(sector, offset, kind, payload):
    """A frame at a place, with the check of that place."""
    frame = frames.build(kind, payload, frames.seed(header_u32(sector, SEQUENCE), offset))
    return sector[:offset] + frame + sector[offset + len(frame) :]


def change_frame(sector, frame, at, value):
    """Other bytes at `at` of a frame's payload, with its check right again."""
    offset, kind, start, end = frame
    payload = sector[start:end]
    return put_frame(sector, offset, kind, payload[:at] + value + payload[at + len(value) :])


def renumber(sector, sequence):
    """Another sequence: all frames get the check of it, seal and header their number."""
    found = frames_of(sector)
    moved = set_header(sector, SEQUENCE, u32(sequence))
    for offset, kind, start, end in found:
        moved = put_frame(moved, offset, kind, sector[start:end])
    return set_seal(moved, 4, u32(sequence))


def reseal(sector, key, said=None, kind=None, trip=3):
    """The seal made again with some key; `said` is the epoch that it tells, its own unless given."""
    fields = bytearray(sector[SEAL_A_AT : SEAL_A_AT + SEAL_TAGGED])
    if said is not None:
        fields[8:12] = u32(said)
    if kind is not None:
        fields[12] = kind
    tag = seals.seal_tag(key, trip, int.from_bytes(fields[8:12], "little"), sector[:FRAMES_END], bytes(fields))
    sealed = sector[:SEAL_A_AT] + bytes(fields) + tag + bytes(4)
    return with_crc(sealed, SEAL_A_AT, size(SEAL))


def recheck(sector, frame, key, said=None, trip=3):
    """A checkpoint made again with some key."""
    offset, kind, start, end = frame
    payload = sector[start : end - _TAG]
    payload = payload if said is None else u32(said) + payload[4:]
    before = sector[:offset] + bytes((len(payload) + _TAG + frames.OVERHEAD, kind)) + payload
    tag = seals.checkpoint_tag(key, trip, int.from_bytes(payload[:4], "little"), before)
    return put_frame(sector, offset, kind, payload + tag)


def remake(sectors, key, first=0, trip=3, tell_true=None):
    """All tags from sector `first` on made again, chained, with `key` and those that follow from it.

    The epochs stay those of their places, unless the epoch of `key` is to be told: `tell_true`.
    """
    made, prev = list(sectors[:first]), sectors[first - 1][SEAL_A_AT + 28 :][:8] if first else bytes(8)
    epoch = tell_true
    for sector in sectors[first:]:
        sector = set_header(sector, PREV_TAG, prev)
        if epoch is not None and made:
            sector = set_header(sector, EPOCH, u32(epoch))
        for frame in frames_of(sector, frames.CHECKPOINT):
            sector, key, epoch = recheck(sector, frame, key, epoch, trip), seals.next_key(key), _next(epoch)
        sector, key, epoch = reseal(sector, key, epoch, trip=trip), seals.next_key(key), _next(epoch)
        prev = sector[SEAL_A_AT + 28 :][:8]
        made.append(sector)
    return made


def _next(epoch):
    return None if epoch is None else epoch + 1


def live_for(key, epoch, index, data, pending, trip=3, tick=None):
    """A live answer under some key."""
    nonce = bytes(range(16, 32))
    mac = seals.live_mac(key, nonce, trip, epoch, index, len(data), data, pending)
    made = {"nonce": nonce, "trip": trip, "epoch": epoch, "index": index, "used": len(data), "pending": len(pending)}
    return made | {"tick": tick, "mac": mac}


def trail_section(tag, payload):
    """A section of a `.trail` file."""
    head = tag + u32(len(payload))
    return head + u32(zlib.crc32(head + payload)) + payload
