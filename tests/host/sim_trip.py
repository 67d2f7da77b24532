"""Trips of the real firmware on a board whose true time is known, read by the host's real code.

What the host makes of a reading's tick is compared with the truth: the instant at which the crystal had counted to it.
"""

from pathlib import Path

import fakes
import numpy as np
from crystal_board import Crystal, CrystalBoard, power_cut, run

from boards.models.nor_flash import NorFlash
from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import Checked, check_trail
from celltrail.keys.keystore import KeyStore
from celltrail_protocol import smp
from celltrail_protocol.records import SECTOR_SIZE

START_UTC_MS = 1_740_816_000_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


def value_at(tick_ms):
    """What the probe reads: a stair of an hour a step, so that a reading in a wrong place shows."""
    return 640 + tick_ms // HOUR_MS * 7 % 50


class SimTrip:
    """One trip; `rates` are those of its crystal as (true ms, ppb), or one number of ppm."""

    def __init__(self, rates, period_s=60, counter=1 << 18, sectors=128, **plan):
        self.period_ms = period_s * 1000
        self._plan = {"period_ms": self.period_ms, "wrap": True, "checkpoint_s": 14_400} | plan
        board = CrystalBoard(NorFlash(sectors), [value_at], _crystal(rates), period=counter)
        self.app, self.host = fakes.make(board)
        self.boards = {self.app.state.boot: board}
        self.pairs = []
        self.wraps = 0

    # Life

    def arm(self, off_ms=0, unsure_ms=50):
        """Arm at once; the arming computer's clock is `off_ms` ahead, and says that it is sure to `unsure_ms`."""
        more = {"tick": self.tick_ms(), "utc": self.utc_ms() + off_ms, "unc": unsure_ms}
        assert "trip" in fakes.arm(self.host, fakes.plan(**self._plan), **more)
        return self

    def go(self, days=0.0, hours=0.0):
        """Let so much true time pass."""
        board = self.app.board
        run(self.app, board.world_us() + round((days * 24 + hours) * HOUR_MS) * 1000)
        return self

    def cut(self, off_hours, rates=0.0, boot=None):
        """Lose power for so long; `boot` is the boot count that is found then, minus 1."""
        self.wraps += self.app.board.wraps
        if boot is not None:
            self.app.state.boot = boot
            self.app.state.save()
        self.app, self.host = power_cut(self.app, _crystal(rates), round(off_hours * HOUR_MS) * 1000)
        self.boards[self.app.state.boot] = self.app.board
        return self

    def tick_ms(self):
        return self.app.board.ticks_ms()

    def utc_ms(self):
        """The truth, now."""
        return START_UTC_MS + self.app.board.world_us() // 1000

    def sync(self, off_ms=0, unsure_ms=50):
        """A host with the device key sets the clock."""
        request = {"op": "AB", "tick": self.tick_ms(), "utc": self.utc_ms() + off_ms, "unc": unsure_ms, "src": 1}
        assert self.host.prove(smp.CMD_CLOCK, request) == {}
        return self

    def noted(self, off_ms=0, unsure_ms=50, boot=None):
        """The reading host pairs tick and UTC in its own record."""
        mine = self.app.state.boot if boot is None else boot
        self.pairs.append([mine, self.tick_ms(), self.utc_ms() + off_ms, unsure_ms, 1])
        return self

    def stop(self):
        assert self.host.prove(smp.CMD_STOP, {"op": "AB"}) == {}
        self.wraps += self.app.board.wraps
        return self

    # Read-out

    def read(self, folder: Path | None = None) -> Checked:
        """The stopped trip through the host's reader; `folder` is for the key store."""
        ring, data = self.app.trip.ring, bytearray(SECTOR_SIZE)
        sectors, first = [], ring.places.first_index()
        for index in range(first, ring.index + 1):
            assert ring.read_into(index, 0, data)
            sectors.append(bytes(data))
        meta = {"uid": self.app.board.uid, "name": "CT-SIM", "trip": ring.trip, "pairs": self.pairs}
        parts = TrailParts(meta | {"host": "sim", "operator": "AB", "status": {}}, [(first, b"".join(sectors))])
        keys = None
        if folder is not None:
            keys = KeyStore(folder / "keys")
            keys.save_trip(self.app.board.uid, ring.trip, fakes.K0)
        return check_trail(parse_trail(trail_bytes(parts), Path("sim.trail")), keys)

    def truth_ms(self, boots, ticks):
        """The true UTC at which the counters had come to these ticks."""
        made = np.full(len(ticks), np.nan)
        for boot, board in self.boards.items():
            mine = boots == boot
            knots = board.crystal._knots
            _, starts, rates = (np.array(column, np.float64) for column in zip(*knots, strict=True))
            true_us = np.array([knot[0] for knot in knots], np.float64)
            which = np.maximum(np.searchsorted(starts / 1e9, ticks[mine], side="right") - 1, 0)
            passed_us = (ticks[mine] - starts[which] / 1e9) * 1000 / (1 + rates[which] * 1e-9)
            made[mine] = START_UTC_MS + (board.on_us + true_us[which] + passed_us) / 1000
        return made


class Compared:
    """All readings' times against the truth; ms. `error` is signed, NaN where no time is known."""

    def __init__(self, sim: SimTrip, checked: Checked) -> None:
        self.checked = checked
        self.flags = checked.verdict.clock_flags
        (channel,) = checked.record.channels
        self.slots = channel.slots
        self.boots, self.ticks = checked.record.instants_of(channel.slots)
        assert np.array_equal(channel.raw, value_at(self.ticks))
        utc, self.bound = checked.clock.utc_of(self.boots, self.ticks)
        self.error = utc - sim.truth_ms(self.boots, self.ticks)
        self.known = np.isfinite(utc)
        self.utc = utc

    def holds(self) -> bool:
        """Whether every known time is within its bound, and every unknown one says so."""
        return bool((np.abs(self.error[self.known]) <= self.bound[self.known]).all() and self._honest())

    def _honest(self) -> bool:
        return bool(np.isinf(self.bound[~self.known]).all())

    def ascending(self) -> bool:
        """Whether no reading is dated before the one before it."""
        known = self.utc[self.known]
        return bool((np.diff(known) > 0).all())

    def doubts(self) -> list[str]:
        """The flags, but for that of a wide bound."""
        return [flag for flag in self.flags if "known only within" not in flag]

    def widest_ms(self) -> float:
        return float(self.bound.max())


def compare(sim: SimTrip, folder: Path | None = None) -> Compared:
    """Read the trip and compare."""
    return Compared(sim, sim.read(folder))


def _crystal(rates):
    return Crystal([(0, round(rates * 1000))] if isinstance(rates, int | float) else list(rates))


def warm_and_cold(mean_ppm, days, swing_ppm=10.0, period_h=12):
    """Rates that follow day and night, `swing_ppm` up and down."""
    steps = round(days * 24 / period_h) + 1
    return [
        (step * period_h * HOUR_MS, round((mean_ppm + (swing_ppm if step % 2 else -swing_ppm)) * 1000))
        for step in range(steps)
    ]
