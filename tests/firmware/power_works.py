"""Pieces of work in which tests cut the power: a logger with its host, and a watch that notes what is committed.

All kinds of work stand in this one file because they share an actor and its watch.
"""

import struct

from fakes import HN, Board, arm, make, plan, provision, run
from torn_flash import PAGE_SIZE

from celltrail_protocol import codes, frames, smp
from celltrail_protocol.records import SECTOR_SIZE
from celltrail_protocol.seals import mask_key, rotation_check

MINUTE = 60000
SECTORS = 10
RING = SECTORS - 6


def value(slot):
    """What the thermometer says at a slot."""
    return 640 + slot * 7919 % 97


class Probe:
    """A thermometer whose reading tells its slot."""

    model = codes.MODEL_TMP117
    step_nK = 7812500
    low_raw = -7040
    high_raw = 19200
    uncertainty_mK = 300
    lead_ms = 0

    def __init__(self):
        self.app = None
        self.begun = False

    def start(self):
        pass

    def begin(self):
        pass

    def read_raw(self):
        return value(self.app.trip.schedule.slot)


def boot(flash, watch=None):
    """Power on: (app, host) on this flash. `watch` is told of what is committed."""
    flash.power_on()
    board = Board(flash)
    probe = Probe()
    board.thermometers = [probe]
    app, host = make(board)
    probe.app = app
    if watch is not None:
        watch.follow(app)
    return app, host


class Known:
    """What must be there: `trip`, its `state`, the last `slot`, how many `marks` and `starts`, how far it was `read`.

    `key` is the device key, None before the logger was provisioned; `calibration` the bytes that it keeps.
    """

    def __init__(self):
        self.trip = 0
        self.state = codes.STATE_IDLE
        self.slot = -1
        self.marks = 0
        self.starts = 0
        self.read = (0, 0)
        self.key = None
        self.calibration = b""

    def copy(self):
        """The same, for later."""
        other = Known()
        other.trip, other.state, other.slot = self.trip, self.state, self.slot
        other.marks, other.starts, other.read, other.key = self.marks, self.starts, self.read, self.key
        other.calibration = self.calibration
        return other


class Watch:
    """Notes after each commit how many operations the flash had done, and what was committed."""

    def __init__(self, flash):
        self.flash = flash
        self.known = Known()
        self.notes = []

    def follow(self, app):
        """Be told of the app's readings and starts."""
        recorder, journal = app.trip.recorder, app.trip.recorder.journal
        append, event = journal.append, recorder.event

        def noted_append(payload):
            done = append(payload)
            if done:
                self.known.slot = struct.unpack_from("<I", payload, 0)[0]
                self.note()
            return done

        def noted_event(kind, values, tick_ms):
            event(kind, values, tick_ms)
            if kind == frames.BOOT:
                self.known.starts += 1
                self.note()

        journal.append = noted_append
        recorder.event = noted_event

    def note(self):
        """All of `known` is committed now."""
        self.notes.append((len(self.flash.operations or ()), self.known.copy()))

    def at(self, operations):
        """What was committed before so many operations, and what next."""
        before = after = self.notes[0][1]
        for count, known in self.notes:
            if count > operations:
                return before, known
            before = after = known
        return before, after


class Actor:
    """A logger with its host, and what they commit."""

    def __init__(self, flash, watch=None):
        self.flash = flash
        self.watch = watch or Watch(flash)
        self.app, self.host = boot(flash, self.watch)

    def provision(self):
        """Give the logger its name and its key."""
        provision(self.host)
        self.watch.known.key = self.host.key
        self.watch.note()
        return self

    def rotate(self, key):
        """Exchange the device key."""
        host = self.host
        dn = host.challenge()["dn"]
        request = {"op": "AB", "utc": 1, "key": mask_key(key, host.key, dn, HN), "check": rotation_check(key, dn, HN)}
        answer = host.ask(smp.GROUP_CELLTRAIL, smp.CMD_ROTATE, smp.OP_WRITE, host.wrap(smp.CMD_ROTATE, request))
        assert "a" in answer, answer
        host.key = self.watch.known.key = key
        self.watch.note()
        return self

    def calibrate(self, data):
        """Keep calibrations."""
        answer = self.host.prove(smp.CMD_CALIBRATE, {"op": "AB", "utc": 1, "cal": data})
        assert answer == {}, answer
        self.watch.known.calibration = data
        self.watch.note()
        return self

    def test(self):
        """Let the logger test itself."""
        answer = self.host.prove(smp.CMD_TEST, {"op": "AB", "utc": 1})
        assert answer["flash"] == 0, answer
        self.watch.note()
        return self

    def acknowledge(self):
        """All that lies in the ring was read."""
        ring = self.app.trip.ring
        request = {"op": "AB", "utc": 1, "trip": ring.trip, "index": ring.index, "used": ring.used()}
        answer = self.host.prove(smp.CMD_ACKNOWLEDGE, request)
        assert answer == {}, answer
        self.watch.known.read = (self.app.state.read_index, self.app.state.read_used)
        self.watch.note()
        return self

    def arm(self, **settings):
        """Arm the next trip."""
        if self.watch.known.key is None:
            self.provision()
        answer = arm(self.host, plan(**settings), discard=True)
        assert "trip" in answer, answer
        known = self.watch.known
        known.trip, known.state, known.slot, known.read = answer["trip"], codes.STATE_ARMED, -1, (0, 0)
        known.marks = known.starts = 0
        self.watch.note()
        return self

    def run(self, ms):
        """Let time pass."""
        run(self.app, self.app.board.tick_ms + ms)
        self.watch.known.state = self.app.state.state
        return self

    def mark(self, note=""):
        """A mark with the next number."""
        number = self.watch.known.marks + 1
        event = {"kind": codes.MARK_FREE, "outcome": 0, "op": "AB", "place": "M%d" % number, "note": note}
        answer = self.host.prove(smp.CMD_MARK, event)
        assert "tick" in answer, answer
        self.watch.known.marks = number
        self.watch.note()
        return self

    def stop(self):
        """Stop the trip."""
        answer = self.host.prove(smp.CMD_STOP, {"op": "AB"})
        assert answer == {}, answer
        self.watch.known.state = codes.STATE_STOPPED
        self.watch.note()
        return self

    def erase(self):
        """Forget the trip."""
        answer = self.host.prove(smp.CMD_ERASE, {"op": "AB", "discard": True})
        assert answer == {}, answer
        self.watch.known.state, self.watch.known.trip = codes.STATE_IDLE, 0
        self.watch.note()
        return self


# Pieces of work: each prepares an actor, and then does what is to be cut

LONG = "x" * 80


def started(flash, **settings):
    """A trip with three readings."""
    return Actor(flash).arm(**settings).run(2 * MINUTE)


def near_sector_end(flash, used=3600, **settings):
    """A trip whose open sector has room for one mark more, at most."""
    actor = started(flash, **settings)
    index = actor.app.trip.ring.index
    while actor.app.trip.ring.used() < used:
        actor.mark(LONG)
    assert actor.app.trip.ring.index == index
    return actor


def work_readings(actor):
    actor.run(6 * MINUTE)


def many_readings(flash):
    return started(flash).run(14 * MINUTE)


def nearly_packed(flash):
    return started(flash).run(115 * MINUTE)


def work_pack(actor):
    actor.run(3 * MINUTE)


def work_marks(actor):
    actor.mark("one").run(MINUTE)
    actor.mark(LONG)


def work_roll(actor):
    actor.mark(LONG).run(MINUTE)
    actor.mark(LONG)
    actor.mark("").run(MINUTE)


def journal_nearly_full(flash):
    actor = started(flash)
    journal = actor.app.trip.recorder.journal
    while journal._at < SECTOR_SIZE - 60:
        actor.run(MINUTE)
    return actor


def keys_nearly_full(flash):
    """Almost all slots of the first key sector are used."""
    actor = started(flash, wrap=True)
    while actor.app.trip.ratchet._next < 78:
        actor.mark("")
    return actor


def work_keys(actor):
    for _ in range(4):
        actor.mark("")


def store_nearly_full(flash):
    """The next records do not fit the store's sector."""
    actor = started(flash)
    while actor.app._store._end < SECTOR_SIZE - 70:
        actor.app.state.save()
    return actor


def work_store(actor):
    actor.app.state.save()
    actor.app.state.save()
    actor.run(MINUTE)
    actor.stop()


def work_stop(actor):
    actor.stop()


def stopped(flash):
    return started(flash).stop()


def work_arm(actor):
    actor.arm(checkpoint_s=3600)
    actor.run(2 * MINUTE)


def work_first_arm(actor):
    actor.arm()
    actor.run(MINUTE)


def new_logger(flash):
    return Actor(flash)


def work_erase(actor):
    actor.erase()


def work_provision(actor):
    actor.provision()


def work_rotate(actor):
    actor.rotate(bytes(range(1, 33)))
    actor.mark("")


def work_acknowledge(actor):
    actor.acknowledge().run(MINUTE).acknowledge()


def work_calibrate(actor):
    for number in (1, 2):
        actor.calibrate(b"\xa1av\x01" if number == 2 else b"\xa2av\x01ac\x58\x63" + bytes(99))


def work_acknowledge_stopped(actor):
    actor.acknowledge()


def wrapping(flash):
    """The ring has wrapped, and the open sector is nearly full."""
    actor = started(flash, wrap=True)
    while actor.app.trip.ring.index < RING:
        actor.mark(LONG)
    while actor.app.trip.ring.used() < 3500:
        actor.mark(LONG)
    return actor.run(MINUTE)


def work_wrap(actor):
    for _ in range(3):
        actor.mark(LONG).run(1000)
    actor.run(MINUTE)


def restarted(flash):
    """The logger has been switched off and on."""
    actor = started(flash).mark("one")
    return Actor(flash, actor.watch)


def worn_seals(flash):
    """The last page of the open sector takes nothing: the seal finds no place."""
    actor = near_sector_end(flash)
    last = (6 + actor.app.trip.ring.places.head) * SECTOR_SIZE + SECTOR_SIZE - PAGE_SIZE
    flash.refuses = lambda kind, place: kind == "program" and place == last
    return actor


def worn_stop(flash):
    """The last page of the open sector takes nothing, nor does that of the next one."""
    actor = started(flash).mark(LONG)
    last = (6 + actor.app.trip.ring.places.head) * SECTOR_SIZE + SECTOR_SIZE - PAGE_SIZE
    flash.refuses = lambda kind, place: kind == "program" and place in (last, last + SECTOR_SIZE)
    return actor


def work_restart(actor):
    actor.run(13000)
    actor.run(2 * MINUTE)
    actor.mark("")


def restarted_near_sector_end(flash):
    actor = near_sector_end(flash)
    return Actor(flash, actor.watch)


def restarted_and_filled(flash):
    """The sector was open over a restart, has taken frames since, and is nearly full."""
    actor = near_sector_end(flash, 2800)
    actor = Actor(flash, actor.watch).run(13000)
    while actor.app.trip.ring.used() < 3600:
        actor.mark(LONG)
    return actor


def work_restart_and_roll(actor):
    actor.run(13000)
    for _ in range(3):
        actor.mark(LONG)


WORKS = {
    "readings": (many_readings, work_readings),
    "pack": (nearly_packed, work_pack),
    "marks": (started, work_marks),
    "roll": (near_sector_end, work_roll),
    "journal": (journal_nearly_full, work_readings),
    "keys": (keys_nearly_full, work_keys),
    "store": (store_nearly_full, work_store),
    "worn-seal": (worn_seals, work_roll),
    "worn-stop": (worn_stop, work_stop),
    "stop": (started, work_stop),
    "provision": (new_logger, work_provision),
    "rotate": (started, work_rotate),
    "rotate-idle": (stopped, lambda actor: actor.rotate(bytes(range(1, 33)))),
    "calibrate": (stopped, work_calibrate),
    "self-test": (stopped, lambda actor: actor.test().arm()),
    "read": (started, work_acknowledge),
    "read-stopped": (stopped, work_acknowledge_stopped),
    "first-arm": (new_logger, work_first_arm),
    "arm": (stopped, work_arm),
    "erase": (stopped, work_erase),
    "wrap": (wrapping, work_wrap),
    "restart": (restarted, work_restart),
    "restart-roll": (restarted_near_sector_end, work_restart_and_roll),
    "restart-fill": (restarted_and_filled, work_roll),
}
