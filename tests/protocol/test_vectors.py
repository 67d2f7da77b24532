"""The codec against the golden vectors of frames, records and series; runs on both runtimes."""

from binascii import hexlify

from celltrail_protocol import frames, records, series
from celltrail_protocol.layout import pack, size, unpack
from tests.protocol.vector_files import SECTOR_SIZE, data_of, each, fields_of, refuses
from tests.protocol.vector_records import RECORDS, unpack_journal, unpack_store

# --- frames ---


def scanned(vector, data):
    """What a scan finds on a blank sector with `data` at the vector's place."""
    sector = bytearray(b"\xff" * SECTOR_SIZE)
    at = vector["offset"]
    sector[at : at + len(data)] = data
    journal = vector.get("journal", False)
    end = SECTOR_SIZE if journal else records.FRAMES_END
    return frames.scan_all(sector, at, end, vector["sequence"], journal)


def unpack_channels(payload):
    """The entries behind a plan frame's fixed part."""
    count = unpack(frames.TABLES[frames.PLAN], payload)[-1]
    start = size(frames.TABLES[frames.PLAN])
    step = size(frames.CHANNEL)
    return [unpack(frames.CHANNEL, payload, start + i * step) for i in range(count)]


def decoded_series(kind, values):
    """The numbers in a readings or wave payload that was unpacked."""
    block = series.BLOCK_READINGS if kind == frames.READINGS else series.BLOCK_WAVE
    return series.decode(values[-1], values[-2], block)


def check_payload(vector, payload):
    """Compare a valid payload field by field, and pack it again."""
    kind = vector["type"]
    if vector.get("journal"):
        expected = vector["values"]
        read = unpack_journal(payload, vector["channels"])
        assert read == [expected["slot"], expected["readings"], expected["codes"]], read
        return
    table = frames.TABLES[kind]
    expected = fields_of(table, vector["values"])
    assert unpack(table, payload) == expected, unpack(table, payload)
    packed = pack(table, expected)
    if kind == frames.PLAN:
        channels = [fields_of(frames.CHANNEL, one) for one in vector["channels"]]
        assert unpack_channels(payload) == channels
        packed += b"".join([pack(frames.CHANNEL, one) for one in channels])
    if "series" in vector:
        assert decoded_series(kind, expected) == vector["series"]
    assert payload == packed or "-longer-" in vector["name"] and payload.startswith(packed)


def check_frame(vector):
    data = data_of(vector)
    at = vector["offset"]
    found = (at, vector["type"], at + 2, at + len(data) - frames.CHECK_SIZE)
    assert scanned(vector, data) == ([found], [], at + len(data))
    seed = (frames.journal_seed if vector.get("journal") else frames.seed)(vector["sequence"], at)
    payload = data[2 : -frames.CHECK_SIZE]
    assert frames.build(vector["type"], payload, seed) == data
    if "values" in vector:
        check_payload(vector, payload)
    else:
        assert vector["type"] not in frames.TABLES


def test_valid_frames():
    each("frames", check_frame, 75)


def test_frames_that_a_scan_must_not_see():
    def check(vector):
        found, damaged, _ = scanned(vector, data_of(vector))
        assert found == []
        assert bool(damaged) == vector["damaged"]
        if damaged:
            at = vector["offset"]
            assert damaged[0] == (at, min(at - at % 256 + 256, records.FRAMES_END))

    each("frames", check, 25, valid=False, stage="scan")


def reads_payload(vector):
    """Read a whole payload, whatever its stage; raises ProtocolError."""
    data = data_of(vector)
    found, damaged, _ = scanned(vector, data)
    assert len(found) == 1
    assert damaged == []
    payload, kind = data[2 : -frames.CHECK_SIZE], vector["type"]
    if vector.get("journal"):
        unpack_journal(payload, vector["channels"])
        return
    values = unpack(frames.TABLES[kind], payload)
    assert vector["stage"] != "payload", "the fixed part was read"
    if kind == frames.PLAN:
        unpack_channels(payload)
    else:
        decoded_series(kind, values)


def test_payloads_that_a_reader_must_refuse():
    def check(vector):
        assert refuses(reads_payload, vector)

    for stage, least in (("payload", 25), ("channels", 2), ("series", 5), ("journal", 4)):
        each("frames", check, least, valid=False, stage=stage)


# --- records ---


def check_record(vector):
    name, data = vector["record"], data_of(vector)
    if name == "store_header":
        expected = fields_of(records.STORE_HEADER, vector["values"])
        assert unpack_store(data) == (expected, data[16:])
        assert hexlify(data[16:]).decode() == vector["payload"]
        assert pack(records.STORE_HEADER, expected + (unpack(records.STORE_HEADER, data)[-1],)) == data[:16]
    elif name == "state":
        expected = fields_of(records.STATE, vector["values"])
        assert unpack(records.STATE, data) == expected
        assert pack(records.STATE, expected) == data[:32]
    else:
        table, magic = RECORDS[name]
        expected = fields_of(table, vector["values"])
        assert expected[0] == magic
        assert records.unpack_checked(table, b"\xff" * 5 + data + b"\xff", 5, magic)[:-1] == expected
        assert records.pack_checked(table, expected) == data


def test_valid_records():
    each("records", check_record, 20)


def test_records_that_are_none():
    def check(vector):
        name, data = vector["record"], data_of(vector)
        if name == "state":
            assert refuses(unpack, records.STATE, data)
        elif name == "store_header":
            assert unpack_store(data) is None
        else:
            table, magic = RECORDS[name]
            assert records.unpack_checked(table, data, 0, magic) is None

    each("records", check, 40, valid=False)


# --- series ---


def test_valid_series():
    def check(vector):
        data, values = data_of(vector), vector["values"]
        assert series.decode(data, vector["count"], vector["block"]) == values
        again = series.encode(values, vector["base"], vector["block"])
        assert again == data if vector["canonical"] else len(again) <= len(data)
        room = 8 * (len(again) - 2) - series.bits(values, vector["base"], vector["block"])
        assert 0 <= room < 8

    each("series", check, 95)


def test_series_to_refuse():
    def check(vector):
        assert refuses(series.decode, data_of(vector), vector["count"], vector["block"])

    each("series", check, 25, valid=False)
