"""A new device key: it never goes in clear, takes over whole or not at all, and leaves a word in the record."""

from fake_flash import SECTORS
from fakes import HN, KEY, Board, Host, arm, make, of_kind, plan, provision, restart, run
from faulty_flash import cut_everywhere

from celltrail_protocol import cbor, frames, smp
from celltrail_protocol.seals import DEVICE, command_mac, key_id, mask_key, rotation_check

# The firmware is compiled from source here, which takes room that a board keeps for its work.

NEW = bytes(range(100, 132))


def rc(answer):
    return answer["err"]["rc"]


def request(host, new=NEW, **changes):
    """The inner request under the host's open challenge."""
    made = {"op": "RO", "key": mask_key(new, host.key, host._dn, HN), "check": rotation_check(new, host._dn, HN)}
    made.update(changes)
    return made


def rotate(host, new=NEW, **changes):
    """The raw answer to a rotation."""
    host.challenge()
    wrapped = host.wrap(smp.CMD_ROTATE, request(host, new, **changes))
    return wrapped, host.ask(smp.GROUP_CELLTRAIL, smp.CMD_ROTATE, smp.OP_WRITE, wrapped)


def holds(app, key):
    return host_of(app, key).prove(smp.CMD_CHECK, {}) == {}


def host_of(app, key):
    return Host(app, key)


def test_rotation():
    app, host = make()
    arm(host, plan())
    run(app, 1000)
    sent, answer = rotate(host)
    assert NEW not in cbor.dumps(sent)
    assert NEW not in cbor.dumps(answer)
    # Proven under the key that goes.
    assert answer["m"] == command_mac(KEY, DEVICE, smp.CMD_ROTATE, 1, host._dn, HN, answer["a"])
    assert cbor.loads(answer["a"]) == {"kid": key_id(NEW)}
    assert host.read(smp.CMD_STATUS)["kid"] == key_id(NEW)
    assert host.read(smp.CMD_STATUS)["name"] == "CT-000001"
    assert of_kind(app, frames.COMMAND)[-1][1:] == (smp.CMD_ROTATE, b"RO", 0, 0)
    assert holds(app, NEW)
    assert rc(host.prove(smp.CMD_CHECK, {})) == smp.ERR_NOT_PROVEN
    app, host = restart(app)
    assert holds(app, NEW)
    assert host.read(smp.CMD_STATUS)["name"] == "CT-000001"


def test_rotation_between_trips_waits_for_the_next_record():
    app, host = make()
    provision(host)
    rotate(host, utc=77)
    assert "trip" in arm(host_of(app, NEW), plan())
    assert [one[3:5] for one in of_kind(app, frames.EARLIER)] == [(smp.CMD_PROVISION, b""), (smp.CMD_ROTATE, b"RO")]


def test_key_that_did_not_come_out_as_it_went_in_changes_nothing():
    app, host = make()
    provision(host)
    for change in ({"check": bytes(16)}, {"key": bytes(32)}, {"key": bytes(31)}, {"check": bytes(32)}, {"key": None}):
        assert rc(rotate(host, **change)[1]) == smp.ERR_BAD_REQUEST
    assert holds(app, KEY)


def test_rotation_is_not_replayed_nor_reflected():
    app, host = make()
    provision(host)
    sent, answer = rotate(host)
    assert "a" in answer
    again = host.ask(smp.GROUP_CELLTRAIL, smp.CMD_ROTATE, smp.OP_WRITE, sent)
    # The old key's counter has gone on, and the new key is another.
    assert rc(again) == smp.ERR_NOT_PROVEN
    run(app, 1000)
    assert holds(app, NEW)


def test_rotation_takes_a_proof():
    app, host = make()
    provision(host)
    host.challenge()
    assert rc(host.ask(64, smp.CMD_ROTATE, smp.OP_WRITE, request(host))) == smp.ERR_NOT_PROVEN
    host.challenge()
    thief = host_of(app, bytes(32))
    assert rc(rotate(thief)[1]) == smp.ERR_NOT_PROVEN
    run(app, 1000)
    assert holds(app, KEY)


def test_logger_without_a_key_has_none_to_rotate():
    _, host = make()
    assert rc(rotate(host)[1]) == smp.ERR_NO_KEY


def test_power_cuts_while_a_key_is_rotated():
    def provisioned(flash):
        app, host = make(Board(flash))
        provision(host)
        return app, host

    def work(made, done):
        _, host = made
        done.append(rotate(host)[1])

    def one_key_holds(flash, done, cut):
        app, host = make(Board(flash))
        new = host.read(smp.CMD_STATUS)["kid"] == key_id(NEW)
        assert new or not done
        assert holds(app, NEW if new else KEY)
        assert "trip" in arm(host_of(app, NEW if new else KEY), plan())
        told = [one[3] for one in of_kind(app, frames.EARLIER)]
        # Never a new key without a word.
        assert smp.CMD_ROTATE in told or not new

    assert cut_everywhere(SECTORS, provisioned, work, one_key_holds) > 5
