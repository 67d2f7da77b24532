"""Flash images from few bytes: a base of a real trip, then records, frames or raw bytes laid over it with right checks.

An image is [base] and then patches [op][sector][offset u16][length][bytes].
"""

from binascii import crc32

from celltrail_protocol import cbor, frames, records
from celltrail_protocol.plan import DEFAULTS

_SECTOR = 4096
# The CRC-checked records by op: what stands in front of their fields.
_CHECKED = {
    2: (b"CTS1\x01\x30\0\0", 48),
    3: (b"CTJ1", 32),
    4: (b"CTK1", 48),
    5: (b"CTE1", 64),
    6: (b"CLN1", 16),
}


def write_image(flash, data):
    """Lay an image into a modelled flash, past what a program could do."""
    if data and data[0] & 1:
        _base(flash, data[0])
    at = 1
    while at + 5 <= len(data):
        op, sector, offset = data[at] % 9, data[at + 1] % flash.sectors, data[at + 2] | data[at + 3] << 8
        payload = data[at + 5 : at + 5 + data[at + 4]]
        at += 5 + data[at + 4]
        _lay(flash, sector, offset % _SECTOR, _made(flash, op, sector, offset % _SECTOR, payload))


def _lay(flash, sector, offset, data):
    data = data[: _SECTOR - offset]
    flash._sectors[sector][offset : offset + len(data)] = data


def _made(flash, op, sector, offset, payload):
    if op in _CHECKED:
        magic, size = _CHECKED[op]
        body = (magic + payload + bytes(size))[: size - 4]
        if op == 6:
            body = body[:8] + bytes((sector, 0)) + body[10:]
        return body + crc32(body).to_bytes(4, "little")
    if op == 1 and len(payload) >= 5:
        # A store record: kind, number, payload.
        head = b"CTR1" + payload[:1] + b"\0" + (len(payload) - 5).to_bytes(2, "little") + payload[1:5]
        return head + crc32(payload[5:], crc32(head)).to_bytes(4, "little") + payload[5:]
    if op in (7, 8) and payload:
        cells = flash._sectors[sector]
        at = 24 if op == 7 else 20
        sequence = int.from_bytes(bytes(cells[at : at + 4]), "little")
        make = frames.seed if op == 7 else frames.journal_seed
        return frames.build(payload[0], payload[1 : frames.LONGEST_PAYLOAD + 1], make(sequence, offset))
    return payload


def _base(flash, which):
    """A small trip as a logger would have left it: identity, plan, state, key, journal and ring."""
    for sector in range(flash.sectors):
        _lay(flash, sector, 0, _made(flash, 6, sector, 0, b"\1\0\0\0"))
    settings = cbor.dumps({key: DEFAULTS[key] for key in sorted(DEFAULTS)})
    state = bytes((2 if which & 2 else 1, 1, 1, 0)) + b"".join([number.to_bytes(4, "little") for number in _STATE])
    identity = cbor.dumps({"name": "CT-1"}) if which & 4 else cbor.dumps({"key": bytes(range(32))})
    at = records.RECORDS_AT
    for kind, payload in ((1, identity), (2, settings), (3, state)):
        record = _made(flash, 1, 0, at, bytes((kind, kind, 0, 0, 0)) + payload)
        _lay(flash, 0, at, record)
        at = (at + len(record) + 15) // 16 * 16
    _lay(flash, 2, 16, _made(flash, 4, 2, 16, b"\5\0\0\0\0\0\0\0" + bytes(32)))
    _lay(flash, 4, 16, _made(flash, 3, 4, 16, b"\1\0\0\0\5\0\0\0\1\0"))
    _lay(flash, 4, 48, _made(flash, 8, 4, 48, b"\x50\0\0\0\0\x80\x02"))
    _lay(flash, 6, 16, _made(flash, 2, 6, 16, b"\x09\0\0\0\5\0\0\0"))
    at = 64
    for kind, payload in _FRAMES:
        frame = _made(flash, 7, 6, at, bytes((kind,)) + payload)
        _lay(flash, 6, at, frame)
        at += len(frame)


# trip 5, next trip 6, sequences 9 and 10, read_index, read_used, alarms.
_STATE = (5, 6, 9, 10, 0, 0, 0)
_FRAMES = (
    (frames.PLAN, b"\1\5\0\0\0" + bytes(8) + bytes(8) + b"\x60\xea\0\0\1\0" + bytes(12) + bytes(9) + b"\1" + bytes(11)),
    (frames.STATE, bytes(8) + b"\2\1" + bytes(12) + b"\x10\x0e"),
    (frames.READINGS, b"\0" + b"\0\0\0\0" + b"\5" + b"\x80\x02\x3c\0"),
    (frames.GAP, b"\5\0\0\0\2\0\0\0\1"),
)


def _patch(op, sector, offset, payload):
    return bytes((op, sector)) + offset.to_bytes(2, "little") + bytes((len(payload),)) + payload


IMAGE_SEEDS = (
    b"\0",
    b"\1",
    b"\3",
    b"\5",
    b"\7",
    b"\3" + _patch(0, 6, 300, b"\x55" * 100),
    b"\3" + _patch(7, 6, 256, bytes((frames.CHECKPOINT,)) + bytes(14 + 16)),
    b"\3" + _patch(7, 6, 256, bytes((frames.STATE,)) + bytes(8) + b"\3\1" + bytes(14)),
    b"\3" + _patch(5, 6, 0xFC0, b"\x09\0\0\0\0\0\0\0\1\0" + bytes(18) + bytes(32)),
    b"\3" + _patch(2, 7, 16, b"\x0a\0\0\0\5\0\0\0\1\0\0\0\1\0\0\0"),
    b"\3" + _patch(2, 7, 16, b"\x0a\0\0\0\5\0\0\0\xff\xff\xff\x7e"),
    b"\3" + _patch(1, 0, 800, b"\3\x09\0\0\0" + bytes(32)),
    b"\3" + _patch(1, 0, 800, b"\1\x09\0\0\0" + b"\xa0"),
    b"\3" + _patch(1, 0, 800, b"\2\x09\0\0\0" + b"\xa0"),
    b"\3" + _patch(4, 2, 64, b"\5\0\0\0\1\0\0\0" + bytes(32)),
    b"\3" + _patch(8, 4, 64, b"\x50\1\0\0\0\x81\x02") + _patch(3, 5, 16, b"\2\0\0\0\5\0\0\0"),
)
