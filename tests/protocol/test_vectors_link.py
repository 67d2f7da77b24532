"""The codec against the golden vectors of the link, and of what an encoder refuses; on both runtimes."""

from binascii import hexlify
from hashlib import sha256

from celltrail_protocol import cbor, console, frames, names, plan_rules, records, seals, series, smp
from celltrail_protocol.layout import pack
from tests.protocol.vector_files import RUNTIME, data_of, each, refuses, same, untagged


def keeps_order(value):
    """Whether this runtime writes the value's maps in the vector's order: MicroPython's dict has none."""
    if isinstance(value, dict):
        return (RUNTIME == "cpython" or len(value) < 2) and all(keeps_order(value[key]) for key in value)
    return all(keeps_order(item) for item in value) if isinstance(value, list) else True


def check_encoding(value, data):
    """The codec writes the value in these bytes, up to the order of maps."""
    written = cbor.dumps(value)
    assert len(written) == len(data)
    assert same(cbor.loads(written), value)
    assert not keeps_order(value) or written == data


def test_cbor():
    def check(vector):
        data, value = data_of(vector), untagged(vector["value"])
        assert same(cbor.loads(data), value), cbor.loads(data)
        if vector["canonical"]:
            check_encoding(value, data)

    each("cbor", check, 45)


def test_cbor_to_refuse():
    def check(vector):
        assert refuses(cbor.loads, data_of(vector))

    each("cbor", check, 45, valid=False)


# --- plans ---


def test_plans():
    def check(vector):
        data, settings = data_of(vector), untagged(vector["plan"])
        assert same(cbor.loads(data), settings)
        assert hexlify(sha256(data).digest()).decode() == vector["settings"]
        check_encoding(settings, data)
        plan_rules.validate(settings, [tuple(pair) for pair in vector["ranges"]])

    each("plans", check, 16)


def test_plans_to_refuse():
    def check(vector):
        assert refuses(plan_rules.validate, cbor.loads(data_of(vector)), [tuple(pair) for pair in vector["ranges"]])

    each("plans", check, 40, valid=False)


# --- messages ---


def body_of(data):
    """The map behind a message's header; raises ProtocolError."""
    smp.parse_header(data)
    return cbor.loads(data[smp.HEADER_SIZE :])


def inner_mac(vector, body):
    """The proof that the codec makes for a proven request or its answer."""
    proven = {name: data_of({"hex": vector["proven"][name]}) for name in ("device_key", "dn", "hn")}
    role = vector["proven"]["role"].encode()
    counter = vector["proven"]["counter"] if role == seals.DEVICE else body["n"]
    nonces = (proven["dn"], proven["hn"])
    return seals.command_mac(proven["device_key"], role, vector["command"], counter, *nonces, body["a"])


def check_message(vector):
    data, body = data_of(vector), untagged(vector["body"])
    names = ("op", "version", "flags", "length", "group", "sequence", "command")
    head = {name: vector[name] for name in names}
    assert smp.parse_header(data) == tuple([head[name] for name in names])
    order = ("op", "version", "group", "sequence", "command", "length")
    assert smp.pack_header(*[head[name] for name in order]) == data[:8]
    assert same(body_of(data), body)
    check_encoding(body, data[8:])
    if "proven" in vector:
        assert inner_mac(vector, body) == body["m"]
        assert same(cbor.loads(body["a"]), untagged(vector["proven"]["inner"]))


def test_messages():
    each("smp", check_message, 70)


def test_messages_to_refuse():
    def check(vector):
        assert refuses(smp.parse_header, data_of(vector))

    def check_map(vector):
        assert not isinstance(body_of(data_of(vector)), dict)

    def check_proof(vector):
        body = body_of(data_of(vector))
        assert not seals.same(inner_mac(vector, body), body["m"])

    for stage, least, one in (
        ("header", 3, check),
        ("body", 2, check),
        ("map", 1, check_map),
        ("proof", 6, check_proof),
    ):
        each("smp", one, least, valid=False, stage=stage)


def test_group_and_command_numbers():
    """Each command of group 64 stands in the vectors under the codec's own name."""
    seen = set()
    each("smp", lambda vector: seen.add(names.COMMAND_NAMES[vector["command"]]), 12, group=smp.GROUP_CELLTRAIL)
    assert seen == set(names.COMMAND_NAMES.values())


# --- console ---


def fed(data, step):
    """The messages that a reader finds in `data`, in pieces of `step` bytes, and how many it dropped."""
    reader = console.Reader()
    messages = []
    for at in range(0, len(data), step):
        messages.extend(reader.feed(data[at : at + step]))
    return messages, reader.dropped


def check_stream(vector):
    data = data_of(vector)
    expected = [data_of({"hex": message}) for message in vector["messages"]]
    for step in (1, 7, len(data)):
        messages, dropped = fed(data, step)
        assert messages == expected, messages
        assert dropped or "error" not in vector


def test_console_streams():
    each("console", check_stream, 17)


def test_console_streams_with_a_bad_message():
    each("console", check_stream, 21, valid=False)


def test_console_lines():
    def check(vector):
        message = data_of({"hex": vector["messages"][0]})
        lines = console.encode(message)
        assert max([len(line) for line in lines]) <= 127
        assert fed(b"".join(lines), 1000) == ([message], 0)
        assert b"".join(lines) == data_of(vector)

    each("console", check, 7, canonical=True)


def test_crc16():
    assert console.crc16(b"123456789") == 0x31C3


# --- refusals of the encoder ---

TABLES = {frames.NAMES[kind]: frames.TABLES[kind] for kind in frames.TABLES}
CHECKED = {
    "clean": records.CLEAN,
    "header": records.HEADER,
    "seal": records.SEAL,
    "key_slot": records.KEY_SLOT,
    "journal_header": records.JOURNAL_HEADER,
    "trail_header": records.TRAIL_HEADER,
    "store_header": records.STORE_HEADER,
}


def packed(vector):
    values, name = untagged(vector["values"]), vector["table"]
    if name in CHECKED:
        return records.pack_checked(CHECKED[name], values)
    return pack(records.STATE if name == "state_record" else TABLES[name], values)


ENCODERS = {
    "pack": packed,
    "frame": lambda vector: frames.build(vector["type"], data_of({"hex": vector["payload"]["$hex"]}), 0),
    "series": lambda vector: series.encode(vector["values"], vector["base"], vector["block"]),
    "smp": lambda vector: smp.pack_header(*vector["head"]),
    "cbor": lambda vector: cbor.dumps(vector["value"]),
}


def test_encoders_take_what_fits():
    each("refusals", lambda vector: ENCODERS[vector["what"]](vector), 30)


def test_encoders_refuse():
    def check(vector):
        assert refuses(ENCODERS[vector["what"]], vector)

    for what, least in (("pack", 550), ("frame", 4), ("series", 6), ("smp", 10), ("cbor", 5)):
        each("refusals", check, least, valid=False, what=what)
