"""The wiring record: who may set it, when, that it is audited, and that nothing else gets into the store."""

from fakes import arm, make, of_kind, plan, provision, restart, run

from celltrail_protocol import cbor, codes, frames, smp
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.records import STORE_WIRING
from celltrail_protocol.wiring import validate
from logger.store import Store

WIRING = {"v": 1, "i2c": [4, 5, 400], "button": [14], "led": [15, 1], "probes": [[1, 0x48]], "accel": [16, 0x53, 13]}


def rc(answer):
    return answer["err"]["rc"]


def openly(host, wiring, op="AB"):
    return host.ask(64, smp.CMD_WIRE, smp.OP_WRITE, {"wiring": cbor.dumps(wiring), "op": op, "utc": 7})


def kept(app):
    data = Store(app.area).peek(STORE_WIRING)
    return None if data is None else cbor.loads(data)


def test_a_new_logger_takes_it_openly_and_restarts():
    app, host = make()
    assert openly(host, WIRING) == {}
    app.step()
    assert app.board.resets == 1
    assert kept(app) == WIRING
    app, host = restart(app)
    assert kept(app) == WIRING


def test_a_provisioned_one_wants_a_proof():
    app, host = make()
    provision(host)
    assert rc(openly(host, WIRING)) == smp.ERR_NOT_PROVEN
    assert kept(app) is None
    assert host.prove(smp.CMD_WIRE, {"wiring": cbor.dumps(WIRING), "op": "AB"}) == {}
    assert kept(app) == WIRING


def test_not_during_a_trip():
    app, host = make()
    arm(host, plan())
    assert rc(host.prove(smp.CMD_WIRE, {"wiring": cbor.dumps(WIRING), "op": "AB"})) == smp.ERR_STATE
    run(app, 60000)
    assert kept(app) is None
    assert app.board.resets == 0


def test_it_is_in_the_audit_trail_of_the_next_trip():
    app, host = make()
    openly(host, WIRING)
    app, host = restart(app)
    arm(host, plan())
    earlier = of_kind(app, frames.EARLIER)
    assert [(one[3], one[4], one[5]) for one in earlier][0] == (smp.CMD_WIRE, b"AB", frames.COMMAND_OPEN)


def changed(**changes):
    wiring = dict(WIRING)
    wiring.update(changes)
    return wiring


BAD = (
    {},
    {"v": 1},
    changed(v=2),
    changed(v=True),
    changed(probes=[]),
    changed(probes=[[1, 0x48]] * 5),
    changed(probes=[[1]]),
    changed(probes=[[99, 1]]),
    changed(probes=[[1, 0x78]]),
    changed(probes=[[1, True]]),
    changed(probes=[[2, 17, 5, 100, 430]]),
    changed(probes=[[3, b"1234567"]]),
    changed(probes=[[]]),
    changed(probes=[{}]),
    changed(probes=[[[], 1]]),
    changed(i2c=[4, 5]),
    changed(i2c=[4, 5, 401]),
    changed(i2c=[4, 49, 400]),
    changed(i2c="abc"),
    changed(led=[15, 2]),
    changed(battery=[28, 999]),
    changed(accel=[18, 0x53, 13]),
    changed(accel=[16, 0x53]),
    changed(radio=[1]),
)


def test_what_is_no_wiring_is_refused():
    for wiring in BAD:
        try:
            validate(wiring)
            raise AssertionError(wiring)
        except ProtocolError:
            pass
    validate(WIRING)
    validate(changed(probes=[[3], [3, b"12345678"], [2, 17, 3, 1000, 4300], [1, 0x4B]], spi=[18, 19, 16], onewire=[22]))
    validate({"v": 1, "probes": [[1, 0x48]]})


def test_a_refused_one_leaves_all_as_it_was():
    app, host = make()
    for wiring in BAD[:4]:
        assert rc(openly(host, wiring)) == smp.ERR_BAD_REQUEST
    for data in (b"", b"\xff", b"\x00" * 241):
        answer = host.ask(64, smp.CMD_WIRE, smp.OP_WRITE, {"wiring": data, "op": ""})
        assert rc(answer) == smp.ERR_BAD_REQUEST
    assert kept(app) is None
    app.step()
    assert app.board.resets == 0
    assert app.state.state == codes.STATE_IDLE
