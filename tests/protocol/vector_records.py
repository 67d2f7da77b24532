"""Records as the vectors spell them, read with the codec's tables; shared by the tests of this folder."""

from binascii import crc32

from celltrail_protocol import records
from celltrail_protocol.layout import size, unpack
from tests.protocol.vector_files import refuses

RECORDS = {
    "clean": (records.CLEAN, records.MAGIC_CLEAN),
    "header": (records.HEADER, records.MAGIC_HEADER),
    "seal": (records.SEAL, records.MAGIC_SEAL),
    "key_slot": (records.KEY_SLOT, records.MAGIC_KEY),
    "journal_header": (records.JOURNAL_HEADER, records.MAGIC_JOURNAL),
    "trail_header": (records.TRAIL_HEADER, records.MAGIC_TRAIL),
}


def unpack_journal(payload, channels):
    """A journal frame's payload as the vectors spell it: slot, readings or None, codes of the missing."""
    table = ("journal", 1, (("slot", "I", ""), ("raw", f"{channels}h", "")))
    slot, raw = unpack(table, payload)
    readings = [None if value == records.NO_READING else value for value in raw]
    missing = readings.count(None)
    codes = ("codes", 1, (("codes", f"{missing}s", ""),))
    return [slot, readings, list(unpack(codes, payload, size(table))[0])]


def unpack_store(data):
    """The head and payload of a store record, or None where none is."""
    if refuses(unpack, records.STORE_HEADER, data):
        return None
    head = unpack(records.STORE_HEADER, data)
    payload = data[16 : 16 + head[3]]
    whole = len(payload) == head[3] and crc32(data[:12] + payload) == head[-1]
    return (head[:-1], payload) if whole and head[0] == records.MAGIC_STORE else None
