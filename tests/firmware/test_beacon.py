"""What is said on the air: BTHome, our status, the name; and when it is said anew."""

from fakes import Board, arm, make, plan, provision, run

from celltrail_protocol import advert, advert_reader, codes, smp
from celltrail_protocol.layout import ProtocolError
from logger.beacon import Beacon

MINUTE = 60000


def beacon_of(app):
    return Beacon(app.board, app.trip, app.server._commands.report)


def fields(data):
    found, at = [], 0
    while at < len(data):
        found.append((data[at + 1], bytes(data[at + 2 : at + 1 + data[at]])))
        at += 1 + data[at]
    return found


def status_of(data):
    return advert_reader.parse_status([content for kind, content in fields(data) if kind == 0xFF][0][2:])


def home_of(data):
    return [content for kind, content in fields(data) if kind == 0x16][0][2:]


def test_bytes_of_the_air():
    # Flags; BTHome: packet 7, battery 75 %, -5.00 degC, a press; ours: logging, alarm and unread, alarms 0 and 2.
    data = advert.data(7, 3900, -500, True, codes.STATE_LOGGING, 3, 5)
    assert (
        data
        == b"\x02\x01\x06"
        + b"\x0d\x16\xd2\xfc\x44\x00\x07\x01\x4b\x02\x0c\xfe\x3a\x01"
        + b"\x09\xff\xff\xffCT\x01\x02\x03\x05"
    )
    assert len(data) <= advert.LONGEST
    response = advert.response(b"\x01\x02\x03\x04\x05\x3f\x2a\x91")
    assert response[:11] == b"\x0a\x09CT-3F2A91"
    assert response[11:13] == b"\x11\x07"
    assert "".join(["%02x" % response[28 - i] for i in range(16)]) == smp.GATT_SERVICE.replace("-", "")
    assert len(response) <= advert.LONGEST


def test_reader_takes_what_is_said():
    for temp_cC in (None, -32768, -1, 0, 2537):
        data = advert.data(255, 3000, temp_cC, temp_cC == 0, 1, 9, 255)
        assert advert_reader.parse_bthome(home_of(data)) == (0, temp_cC)
        assert status_of(data) == (1, 9, 255)
    for content in (b"", b"CT", b"XX\x01\x00\x00\x00", b"CT\x00\x00\x00\x00"):
        try:
            advert_reader.parse_status(content)
        except ProtocolError:
            continue
        raise AssertionError(content)
    # Fields may be added at the end.
    assert advert_reader.parse_status(b"CT\x02\x01\x02\x03more") == (1, 2, 3)
    assert advert_reader.parse_bthome(b"") == (None, None)
    assert advert_reader.parse_bthome(b"\x44\x01") == (None, None)


def test_new_logger_says_that_it_is_idle_and_nothing_private():
    app, host = make()
    beacon = beacon_of(app)
    assert beacon.poll(0)
    assert status_of(beacon.data) == (codes.STATE_IDLE, 0, 0)
    assert advert_reader.parse_bthome(home_of(beacon.data)) == (75, None)
    assert not beacon.poll(1000)
    provision(host)
    arm(host, plan(profile="SECRET"))
    run(app, MINUTE)
    assert beacon.poll(MINUTE)
    for word in (b"SECRET", b"CT-000001", b"AB"):
        assert word not in beacon.data + beacon.response
    assert beacon.name == "CT-303031"


def test_says_anew_with_each_reading_and_counts():
    app, host = make(Board(scripts=[lambda tick: 640 + tick // MINUTE]))
    arm(host, plan())
    beacon = beacon_of(app)
    seen = []
    for minute in range(1, 5):
        run(app, minute * MINUTE + 1000)
        assert beacon.poll(app.board.tick_ms)
        assert not beacon.poll(app.board.tick_ms)
        home = home_of(beacon.data)
        seen.append((home[2], advert_reader.parse_bthome(home)[1]))
    # 641 steps of 1/128 K are 5.0078 degC.
    assert seen == [(1, 501), (2, 502), (3, 502), (4, 503)]
    state, flags, _ = status_of(beacon.data)
    assert state == codes.STATE_LOGGING
    assert flags == codes.ADVERT_UNREAD | codes.ADVERT_PROVISIONED


def test_new_alarm_is_an_event_for_a_minute():
    app, host = make(Board(scripts=[lambda tick: 640 if tick < 3 * MINUTE else 2000]))
    arm(host, plan(alarms=[[0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 1024, 0]]))
    beacon = beacon_of(app)
    run(app, 2 * MINUTE)
    beacon.poll(app.board.tick_ms)
    assert b"\x3a\x01" not in home_of(beacon.data)
    run(app, 3 * MINUTE + 1000)
    assert beacon.poll(app.board.tick_ms)
    assert home_of(beacon.data).endswith(b"\x3a\x01")
    assert status_of(beacon.data)[1:] == (codes.ADVERT_ALARM | codes.ADVERT_UNREAD | codes.ADVERT_PROVISIONED, 1)
    assert beacon.due_ms() == app.board.tick_ms + MINUTE
    run(app, 4 * MINUTE + 2000)
    assert beacon.poll(app.board.tick_ms)
    assert not home_of(beacon.data).endswith(b"\x3a\x01")
    assert beacon.due_ms() is None


def test_low_battery_shows():
    app, _ = make()
    app.board.battery_mV = lambda: codes.BATTERY_LOW_mV - 1
    beacon = beacon_of(app)
    beacon.poll(0)
    assert status_of(beacon.data)[1] == codes.ADVERT_BATTERY_LOW


def test_nothing_of_the_shipment_is_on_the_air():
    words = (b"SECRET-7", b"ANTWERP", b"Mrs Smith", b"OP-77")
    app, host = make()
    provision(host)
    arm(host, plan(profile="SECRET-7", marks_open=True), op="OP-77")
    mark = {"kind": codes.MARK_PACKED, "outcome": 0, "op": "OP-77", "place": "ANTWERP", "note": "Mrs Smith"}
    assert "err" not in host.ask(smp.GROUP_CELLTRAIL, smp.CMD_MARK, smp.OP_WRITE, mark)
    beacon = beacon_of(app)
    for minutes in range(5):
        run(app, minutes * MINUTE)
        beacon.poll(app.board.tick_ms)
        said = beacon.data + beacon.response + beacon.name.encode()
        assert [word for word in words if word in said] == []
        # Flags, BTHome, our status; name and service: nothing else.
        assert [kind for kind, _ in fields(beacon.data)] == [0x01, 0x16, 0xFF]
        assert [kind for kind, _ in fields(beacon.response)] == [0x09, 0x07]
        assert len(status_of(beacon.data)) == 3
