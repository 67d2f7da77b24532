"""What tests of power cuts share: pieces of work whose every flash operation is recorded, and the power cut in each.

A piece of work runs once on a whole flash. A cut is then made by hand: the flash as it was before an operation, and
that operation torn. The logger starts on it, goes on, and whoever checks knows what had been committed by then.
"""

from fakes import run
from power_works import MINUTE, SECTORS, WORKS, boot
from torn_flash import MODES, TornFlash, steps_in, steps_of

_AFTER_START_MS = 12000


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

    def first(self):
        """Words for the first of the two cuts, with its luck."""
        words = "%s:%d:%s:%d" % (self.name, self.operation, MODES[self.mode], self.step)
        return words + ("#%d" % self.luck if self.luck else "")

    def __str__(self):
        if self.again is None:
            return self.first()
        return "%s/%d:%s:%d" % (self.first(), self.again[0], MODES[self.again[1]], self.again[2])


def cut_of(words):
    """The cut that such words name."""
    first, _, second = words.partition("/")
    first, _, luck = first.partition("#")
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
            for step in steps_in(rehearsal.operations[number], mode):
                if count % stride == offset:
                    yield Cut(rehearsal.name, number, mode, step)
                count += 1


def torn(rehearsal, cut, flash=None):
    """The flash after the cut."""
    flash = flash or rehearsal.flash_before(cut.operation, cut.first())
    flash.tear(rehearsal.operations[cut.operation], cut.mode, cut.step)
    return flash


def start_again(flash, after_ms=_AFTER_START_MS):
    """What a logger does after the power is back, until it runs steadily: (app, host)."""
    app, host = boot(flash)
    run(app, after_ms)
    return app, host


def start_often(flash, chance):
    """The power comes and goes some times, and then stays: what reads by chance has its chance. (app, host)."""
    times = chance.below(3) if flash.unstable else chance.below(5) // 4
    if flash.is_moody:
        # What the first start took for something may be nothing at the second, or the other way round.
        times += 1
    for _ in range(times):
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


def torn_twice(rehearsal, cut):
    """The flash after the cut, and after the second one where there is one."""
    flash = torn(rehearsal, cut)
    return flash if cut.again is None else cut_again(flash, lambda made: cut.again)[0]


def random_cut(chance, operations):
    """An operation, a mode and a step; None when there was no operation."""
    if not operations:
        return None
    number = chance.below(len(operations))
    return number, chance.below(len(MODES)), chance.below(steps_of(operations[number]))
