"""What tests of power cuts share: pieces of work whose every flash operation is recorded, and the power cut in each.

A piece of work runs once on a whole flash. A cut is then made by hand: the flash as it was before an operation, and
that operation torn. The logger starts on it, goes on, and whoever checks knows what had been committed by then.
All kinds of work stand in this one file because they share an actor and its watch.
"""

import struct

from fakes import Board, arm, make, plan, run
from torn_flash import MODES, PAGE_SIZE, TornFlash, steps_of

from celltrail_protocol import codes, frames, smp
from celltrail_protocol.records import SECTOR_SIZE

MINUTE = 60000
SECTORS = 10
RING = SECTORS - 6
_AFTER_START_MS = 12000


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

    def __init__(self):
        self.app = None

    def start(self):
        pass

    def read_raw(self):
        return value(self.app.trip.schedule.slot)


def boot(flash, watch=None):
    """Power on: (app, host) on this flash. `watch` is told of what is committed."""
    board = Board(flash)
    probe = Probe()
    board.thermometers = [probe]
    app, host = make(board)
    probe.app = app
    if watch is not None:
        watch.follow(app)
    return app, host


class Known:
    """What must be in the record: `trip`, its `state`, the last `slot`, how many `marks` and `starts`."""

    def __init__(self):
        self.trip = 0
        self.state = codes.STATE_IDLE
        self.slot = -1
        self.marks = 0
        self.starts = 0

    def copy(self):
        """The same, for later."""
        other = Known()
        other.trip, other.state, other.slot = self.trip, self.state, self.slot
        other.marks, other.starts = self.marks, self.starts
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

    def arm(self, **settings):
        """Arm the next trip."""
        answer = arm(self.host, plan(**settings), discard=True)
        assert "trip" in answer, answer
        known = self.watch.known
        known.trip, known.state, known.slot = answer["trip"], codes.STATE_ARMED, -1
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


def near_sector_end(flash, **settings):
    """A trip whose open sector has room for one mark more, at most."""
    actor = started(flash, **settings)
    index = actor.app.trip.ring.index
    while actor.app.trip.ring.used() < 3600:
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


def work_restart(actor):
    actor.run(13000)
    actor.run(2 * MINUTE)
    actor.mark("")


def restarted_near_sector_end(flash):
    actor = near_sector_end(flash)
    return Actor(flash, actor.watch)


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
    "stop": (started, work_stop),
    "first-arm": (new_logger, work_first_arm),
    "arm": (stopped, work_arm),
    "erase": (stopped, work_erase),
    "wrap": (wrapping, work_wrap),
    "restart": (restarted, work_restart),
    "restart-roll": (restarted_near_sector_end, work_restart_and_roll),
}


class Rehearsal:
    """One piece of work, done once: the flash before it, its operations, and what was committed when."""

    def __init__(self, name):
        prepare, work = WORKS[name]
        flash = TornFlash(SECTORS, name)
        actor = prepare(flash)
        self.name = name
        self.before = flash.copy(name)
        flash.operations = []
        actor.watch.notes = []
        actor.watch.note()
        work(actor)
        self.operations = flash.operations
        self.watch = actor.watch

    def flash_before(self, operation, seed):
        """The cells just before an operation."""
        flash = self.before.copy(seed)
        for one in self.operations[:operation]:
            flash.do(one)
        return flash


class Cut:
    """One power cut: in which operation, in which mode, and at which step; `again` is a second one in the recovery.

    Cuts that differ in `luck` only leave other bits by chance.
    """

    def __init__(self, name, operation, mode, step, again=None, luck=0):
        self.name = name
        self.operation = operation
        self.mode = mode
        self.step = step
        self.again = again
        self.luck = luck

    def __str__(self):
        words = "%s:%d:%s:%d" % (self.name, self.operation, MODES[self.mode], self.step)
        if self.again is not None:
            words += "/%d:%s:%d" % (self.again[0], MODES[self.again[1]], self.again[2])
        return words + ("#%d" % self.luck if self.luck else "")


def cut_of(words):
    """The cut that such words name."""
    words, _, luck = words.partition("#")
    first, _, second = words.partition("/")
    name, operation, mode, step = first.split(":")
    again = None
    if second:
        op, how, far = second.split(":")
        again = (int(op), MODES.index(how), int(far))
    return Cut(name, int(operation), MODES.index(mode), int(step), again, int(luck or 0))


def single_cuts(rehearsal, stride=1, offset=0):
    """Each operation at each step in each mode, or every `stride`-th of these from `offset` on."""
    count = 0
    for number in range(len(rehearsal.operations)):
        for mode in range(len(MODES)):
            for step in range(steps_of(rehearsal.operations[number])):
                if count % stride == offset:
                    yield Cut(rehearsal.name, number, mode, step)
                count += 1


def torn(rehearsal, cut, flash=None):
    """The flash after the cut."""
    flash = flash or rehearsal.flash_before(cut.operation, str(cut))
    flash.tear(rehearsal.operations[cut.operation], cut.mode, cut.step)
    return flash


def start_again(flash, after_ms=_AFTER_START_MS):
    """What a logger does after the power is back, until it runs steadily: (app, host)."""
    app, host = boot(flash)
    run(app, after_ms)
    return app, host


def start_often(flash, chance):
    """The power comes and goes some times, and then stays: what reads by chance has its chance. (app, host)."""
    for _ in range(chance.below(3)):
        start_again(flash, (0, 5000, _AFTER_START_MS, 2 * MINUTE)[chance.below(4)])
    return start_again(flash)


def cut_again(flash, choose):
    """A recovery that is cut short, too: (flash after that, the cut). `choose(operations)` gives (op, mode, step)."""
    before = flash.copy("again")
    flash.operations = []
    start_again(flash)
    operations, flash.operations = flash.operations, None
    chosen = choose(operations)
    if chosen is None:
        return flash, None
    for one in operations[: chosen[0]]:
        before.do(one)
    before.tear(operations[chosen[0]], chosen[1], chosen[2])
    return before, chosen


def random_cut(chance, operations):
    """An operation, a mode and a step; None when there was no operation."""
    if not operations:
        return None
    number = chance.below(len(operations))
    return number, chance.below(len(MODES)), chance.below(steps_of(operations[number]))
