"""What tests of the recorder share: a recorder on a faulty flash, and a look at where each slot is."""

from ring_bench import Logger

from celltrail_protocol import frames, series
from celltrail_protocol.layout import unpack
from celltrail_protocol.records import NO_READING
from logger.journal import Journal, one_channel
from logger.recorder import Recorder


class Bench:
    """A recorder of `channels` channels on a flash; mounted, or with a fresh trip."""

    def __init__(self, flash, channels=1, fresh=True):
        self.logger = Logger(flash)
        self.journal = Journal(self.logger.area)
        self.recorder = Recorder(self.logger.ring, self.journal)
        if fresh:
            self.recorder.start(channels)
            self.journal.start(1, 1)
            self.logger.open()
        else:
            self.logger.mount()
            self.recorder.mount(channels)
            self.journal.mount(1, 2, min(self.recorder.packed))


def value(slot, channel):
    return 600 + slot * (channel + 1) % 7


def expected(slot, channel):
    """What a slot holds: every 5th reading of channel 1 is missing."""
    return "missing 4" if channel == 1 and slot % 5 == 4 else value(slot, channel)


def read_slot(recorder, slot, channels, tick_ms=0):
    values, missing = [], b""
    for channel in range(channels):
        one = expected(slot, channel)
        if one == "missing 4":
            one = NO_READING
            missing += b"\x04"
        values.append(one)
    recorder.reading(slot, values, missing, tick_ms)


def packed(recorder, channels):
    """For each channel what lies in the ring, slot by slot from 0; a slot that lacks or is there twice is an error."""
    found = [[] for _ in range(channels)]
    for index in range(recorder.ring.index + 1):
        for kind, payload in recorder.ring.frames_of(index):
            if kind == frames.READINGS:
                channel, slot, count, data = unpack(frames.TABLES[kind], payload)
                add(found[channel], slot, series.decode(data, count, series.BLOCK_READINGS))
            elif kind == frames.MISSING:
                channel, slot, count, code = unpack(frames.TABLES[kind], payload)
                add(found[channel], slot, ["missing %d" % code] * count)
            elif kind == frames.GAP:
                slot, count, _ = unpack(frames.TABLES[kind], payload)
                for one in found:
                    add(one, slot, ["gap"] * count)
    return found


def add(found, slot, values):
    assert slot == len(found)
    found.extend(values)


def slots_of(bench, channels):
    """How many slots are in the ring or pending; each must be there once, with its value."""
    found = packed(bench.recorder, channels)
    for channel in range(channels):
        at = 0
        assert bench.recorder.packed[channel] == len(found[channel]) - 1
        while at < len(bench.journal.pending):
            slot, one, code = one_channel(bench.journal.pending, at, channel, channels)
            if slot > bench.recorder.packed[channel]:
                add(found[channel], slot, ["missing %d" % code if code else one])
            at += 1 + bench.journal.pending[at]
        for slot in range(len(found[channel])):
            assert found[channel][slot] in (expected(slot, channel), "gap")
    assert len(found[0]) == len(found[-1])
    return len(found[0])
