"""The radio's file on MicroPython's interface, as both stacks behave, and the whole logger over it."""

import errno
import sys

import fakes

from boards import virtual_bluetooth
from celltrail_protocol import cbor, smp

sys.modules["bluetooth"] = virtual_bluetooth
from boards.ble_link import BleLink  # noqa: E402

STACKS = (virtual_bluetooth.NIMBLE, virtual_bluetooth.BTSTACK)


class Air:
    """The other side: `told` are the stack's messages."""

    def __init__(self, stack):
        self.told = []
        self.ble = virtual_bluetooth.VirtualBLE(stack, lambda message: self.told.append(cbor.loads(message)))
        self.link = BleLink(self.ble)

    def say(self, *message):
        self.ble.receive(cbor.dumps(list(message)))

    def connect(self, number, mtu=247):
        self.say("connected", number, bytes(6))
        self.say("mtu", number, mtu)

    def handle(self):
        return [one for one in self.told if one[0] == "services"][-1][1][0][1][0][2]

    def last(self, word):
        return [one for one in self.told if one[0] == word][-1]

    def notified(self):
        return [one[3] for one in self.told if one[0] == "notify"]


def on(stack):
    air = Air(stack)
    assert air.link.power(True, "CT-000001")
    return air


def test_offers_smp_s_service():
    for stack in STACKS:
        air = on(stack)
        services = air.last("services")[1]
        assert len(services) == 1 and len(services[0][1]) == 1
        uuid = "".join(["%02x" % services[0][0][15 - i] for i in range(16)])
        assert uuid == smp.GATT_SERVICE.replace("-", "")
        assert services[0][1][0][1] == 0x04 | 0x10
        assert air.last("power")[1:] == [True, "CT-000001", 517]


def test_advertises_and_stops():
    for stack in STACKS:
        air = on(stack)
        assert air.link.advertise(1000, b"data", b"response")
        assert air.last("advertise") == ["advertise", 1000, b"data", b"response"]
        assert air.link.advertise(0, b"", b"")
        assert air.last("advertise")[1] == 0
        air.link.power(False, "")
        assert not air.link.advertise(1000, b"", b"")


def test_connections_have_numbers_and_news_wakes():
    for stack in STACKS:
        air = on(stack)
        assert air.link.connection() == 0 and not air.link.news
        air.connect(5)
        first = air.link.connection()
        assert first and air.link.news and air.link.payload() == 244
        air.link.news = False
        air.say("disconnected", 5)
        assert air.link.connection() == 0 and air.link.news
        air.say("connected", 6, bytes(6))
        assert air.link.connection() not in (0, first)
        # Each connection begins with the smallest MTU.
        assert air.link.payload() == 20


def test_writes_are_kept_in_their_order_until_they_are_read():
    for stack in STACKS:
        air = on(stack)
        air.connect(1)
        assert air.link.read() == b""
        for piece in (b"ab", b"cde", b"f"):
            air.say("write", 1, air.handle(), piece)
        assert air.link.read() == b"abcdef"
        assert air.link.read() == b""


def test_what_one_host_has_left_does_not_run_into_the_next_one_s():
    air = on(virtual_bluetooth.NIMBLE)
    air.connect(1)
    air.say("write", 1, air.handle(), b"half a mess")
    air.say("disconnected", 1)
    air.connect(2)
    air.say("write", 2, air.handle(), b"new")
    assert air.link.read() is None
    air.say("write", 2, air.handle(), b"next")
    assert air.link.read() == b"next"
    # With nothing left, nothing is lost.
    air.say("disconnected", 2)
    air.connect(3)
    air.say("write", 3, air.handle(), b"first")
    assert air.link.read() == b"first"


def test_more_than_there_is_room_for_is_told():
    air = on(virtual_bluetooth.NIMBLE)
    air.connect(1)
    for _ in range(20):
        air.say("write", 1, air.handle(), bytes(244))
    assert air.link.read() is None
    air.say("write", 1, air.handle(), b"next")
    assert air.link.read() == b"next"


def test_nimble_refuses_when_its_buffers_are_full_and_btstack_does_not():
    counts = []
    for stack in STACKS:
        air = on(stack)
        air.connect(1)
        taken = 0
        while taken < 100 and air.link.notify(bytes(244)):
            taken += 1
        counts.append(taken)
        air.say("sent", 1, 244)
        assert air.link.notify(b"again")
    assert counts == [12, 100]


def test_full_heap_of_btstack_ends_it():
    air = on(virtual_bluetooth.BTSTACK)
    air.connect(1)
    air.ble._send = lambda message: None
    try:
        for _ in range(1000):
            air.link.notify(bytes(244))
    except SystemExit:
        return
    raise AssertionError("BTstack has taken everything")


def test_nothing_is_sent_or_ended_without_a_connection():
    for stack in STACKS:
        air = on(stack)
        assert not air.link.notify(b"x")
        air.link.disconnect()
        air.connect(1)
        air.say("disconnected", 1)
        assert not air.link.notify(b"x")
        air.link.power(False, "")
        air.link.disconnect()
        assert air.notified() == []


def test_stack_that_does_not_start_is_told():
    air = Air(virtual_bluetooth.BTSTACK)

    def active(on=None):
        raise OSError(errno.ETIMEDOUT)

    air.ble.active = active
    assert not air.link.power(True, "CT-000001")


def request(sequence, group, command, body):
    data = cbor.dumps(body)
    return smp.pack_header(smp.OP_READ, 1, group, sequence, command, len(data)) + data


def logger(stack):
    """(air, app) of a whole logger that logs."""
    air = Air(stack)
    app, host = fakes.make(fakes.Board(radio=air.link))
    fakes.arm(host, fakes.plan())
    fakes.run(app, 200000)
    return air, app


def let_run(app, ms):
    fakes.run(app, app.board.tick_ms + ms)


def test_logger_advertises_serves_and_advertises_again():
    for stack in STACKS:
        air, app = logger(stack)
        adverts = len([one for one in air.told if one[0] == "advertise" and one[1]])
        assert adverts >= 3
        air.connect(1)
        asked = request(9, smp.GROUP_CELLTRAIL, smp.CMD_STATUS, {})
        for piece in (asked[:5], asked[5:]):
            air.say("write", 1, air.handle(), piece)
        let_run(app, 100)
        message = b"".join(air.notified())
        assert message[6] == 9
        answer = cbor.loads(message[8:])
        assert answer["state"] == 2 and answer["chunk"] == 950
        let_run(app, 50000)
        # Readings go on, and nothing is advertised meanwhile.
        assert app.trip.schedule.slot == 5
        assert len([one for one in air.told if one[0] == "advertise" and one[1]]) == adverts
        air.say("disconnected", 1)
        let_run(app, 100)
        assert len([one for one in air.told if one[0] == "advertise" and one[1]]) == adverts + 1


def test_silent_host_is_sent_away():
    for stack in STACKS:
        air, app = logger(stack)
        air.connect(1)
        let_run(app, 59000)
        assert not [one for one in air.told if one[0] == "disconnect"]
        let_run(app, 2000)
        assert air.last("disconnect") == ["disconnect", 1]


def test_stack_that_does_not_end_a_connection_is_switched_off_and_on():
    air, app = logger(virtual_bluetooth.BTSTACK)
    air.connect(1)
    let_run(app, 62000)
    assert air.last("disconnect") == ["disconnect", 1]
    before = len(air.told)
    let_run(app, 10000)
    words = [one[:2] for one in air.told[before:]]
    assert words.index(["power", False]) < words.index(["power", True])
    assert words[-1] == ["advertise", 1000]


def test_radio_and_cable_have_challenges_of_their_own():
    air, app = logger(virtual_bluetooth.NIMBLE)
    host = fakes.Host(app)
    assert host.challenge()["dn"]
    request_ = host.wrap(smp.CMD_CHECK, {})
    air.connect(1)
    data = cbor.dumps(request_)
    message = smp.pack_header(smp.OP_WRITE, 1, smp.GROUP_CELLTRAIL, 3, smp.CMD_CHECK, len(data)) + data
    air.say("write", 1, air.handle(), message)
    let_run(app, 100)
    answer = cbor.loads(b"".join(air.notified())[8:])
    assert answer == {"err": {"group": 64, "rc": smp.ERR_STALE}}
    assert "a" in host.ask(smp.GROUP_CELLTRAIL, smp.CMD_CHECK, smp.OP_WRITE, request_)
    # However much the random source repeats itself, no nonce comes twice.
    seen = [host.challenge()["dn"]]
    for i in range(4):
        data = cbor.dumps({"hn": fakes.HN})
        before = len(air.notified())
        head = smp.pack_header(smp.OP_WRITE, 1, smp.GROUP_CELLTRAIL, i, smp.CMD_CHALLENGE, len(data))
        air.say("write", 1, air.handle(), head + data)
        let_run(app, 100)
        seen.append(cbor.loads(b"".join(air.notified()[before:])[8:])["dn"])
        seen.append(host.challenge()["dn"])
    assert len(set(seen)) == len(seen)


def test_heap_that_is_short_takes_no_notification():
    air = on(virtual_bluetooth.BTSTACK)
    air.connect(1)
    assert air.link.notify(b"x")
    # More than any heap has.
    air.link._reserve = 1 << 40
    assert not air.link.notify(b"x")
