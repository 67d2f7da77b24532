"""The SMP server: headers, versions, and bytes that are no request."""

from fakes import make

from celltrail_protocol import cbor, smp

ECHO = (smp.OP_WRITE, 1, smp.GROUP_OS, 5, smp.OS_ECHO)


def message(body, head=ECHO, length=None):
    op, version, group, sequence, command = head
    return smp.pack_header(op, version, group, sequence, command, len(body) if length is None else length) + body


def answer(app, data):
    got = app.server.answer(data)
    return None if got is None else (smp.parse_header(got), cbor.loads(got[8:]))


def test_answer_bears_the_request_s_numbers():
    app, _ = make()
    for version in (0, 1):
        for op in (smp.OP_READ, smp.OP_WRITE):
            data = message(cbor.dumps({"d": "x"}), (op, version, smp.GROUP_OS, 77, smp.OS_ECHO))
            head, body = answer(app, data)
            assert head == (op + 1, version, 0, 5, smp.GROUP_OS, 77, smp.OS_ECHO)
            assert body == {"r": "x"}


def test_message_without_a_body_is_an_empty_map():
    app, _ = make()
    head, body = answer(app, message(b"", (smp.OP_READ, 1, smp.GROUP_CELLTRAIL, 1, smp.CMD_STATUS)))
    assert body["state"] == 0


def test_what_is_no_request_gets_no_answer():
    app, _ = make()
    body = cbor.dumps({"d": "x"})
    for op in (smp.OP_READ_ANSWER, smp.OP_WRITE_ANSWER, 4, 7):
        assert answer(app, message(body, (op, 1, 0, 5, 0))) is None
    for version in (2, 3):
        assert answer(app, message(body, (2, version, 0, 5, 0))) is None
    assert answer(app, message(body, length=len(body) + 1)) is None
    assert answer(app, message(body, length=len(body) - 1)) is None
    for count in range(8):
        assert answer(app, message(body)[:count]) is None


def test_unknown_commands_are_not_supported():
    app, _ = make()
    for group, command in ((0, 99), (1, 0), (8, 77), (65, 0), (65535, 255)):
        for op in (smp.OP_READ, smp.OP_WRITE):
            assert answer(app, message(b"\xa0", (op, 0, group, 1, command)))[1] == {"rc": smp.MGMT_NOT_SUPPORTED}


def test_broken_cbor_is_a_bad_request_of_its_group():
    app, _ = make()
    broken = (
        b"\xa1",
        b"\xa1\x61d",
        b"\xa1\x61d\x61",
        b"\x80",
        b"\x00",
        b"\xf6",
        b"\xff",
        b"\xa1\x00\x00",
        b"\xa2\x61d\x61x\x61d\x61y",
        b"\xa0\x00",
        b"\xa1\x61d\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x61d\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x61d\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x61d\x62\xff\xfe",
        b"\xa1\x61d\xfb\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xa1\x61d\xc0\x00",
        b"\xa1\x61d\x1c",
        b"\xbf\x61d",
        b"\xa1\x61d\x7f\x41x\xff",
        b"\xa1\x61d" + b"\x81" * 40 + b"\x00",
        b"\xa1\x61d" + b"\x9f" * 200,
    )
    for body in broken:
        for version in (0, 1):
            assert answer(app, message(body, (2, version, 0, 1, 0)))[1] == {"rc": smp.MGMT_BAD_VALUE}
        ours = answer(app, message(body, (2, 1, 64, 1, smp.CMD_MARK)))[1]
        assert ours == {"err": {"group": 64, "rc": smp.ERR_BAD_REQUEST}}


def test_values_of_every_type_in_every_place_raise_nothing():
    app, host = make()
    values = (None, True, -1, 1 << 63, b"", b"x" * 300, "", "x" * 300, [], [[]], {}, {"a": {}})
    keys = ("off", "name", "len", "type", "nonce", "hn", "a", "n", "m", "key", "d", "kind", "op", "ack")
    commands = [(0, 0), (0, 4), (2, 0), (8, 0), (8, 1), (8, 2), (64, 0), (64, 1), (64, 5), (64, 9), (64, 11)]
    for group, command in commands:
        for key in keys:
            for value in values:
                for op in (smp.OP_READ, smp.OP_WRITE):
                    # Whatever is right with it: an answer comes back, and it is a map.
                    got = answer(app, message(cbor.dumps({key: value}), (op, 1, group, 1, command)))
                    assert isinstance(got[1], dict)


def test_random_bytes_raise_nothing():
    app, _ = make()
    state = 12345
    for _ in range(300):
        data = bytearray()
        for _ in range(8 + state % 40):
            state = state * 1103515245 + 12345 & 0x3FFFFFFF
            data.append(state >> 16 & 0xFF)
        data[0] &= 0x0B
        data[2:4] = bytes((0, len(data) - 8))
        data[4:6] = bytes((0, (0, 2, 8, 64)[state >> 8 & 3]))
        data[7] &= 0x0F
        app.server.answer(bytes(data))
