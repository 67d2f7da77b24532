"""The real firmware with the real drivers on the chips' models in this process: nothing is random, all is repeatable.

It is the virtual logger's world without its launcher, its link and the PC's clock.
"""

import fakes

from boards.models.nor_flash import NorFlash
from boards.virtual_clock import VirtualClock
from boards.virtual_sensors import Sensors
from boards.virtual_stimulus import Stimulus
from celltrail.evidence.signature import signing
from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail.keys.ed25519 import Signer
from celltrail.keys.receipt import Receipt
from celltrail.plans.plan_text import describe
from celltrail.plans.planning import plan_bytes, settings_hash, to_plan
from celltrail.plans.sensor import Fitted, Sensor
from celltrail_protocol import codes, seals, smp
from celltrail_protocol.records import SECTOR_SIZE

UID = bytes.fromhex("e6614104d37a11c5")
NAME = "CT-7A11C5"
MINUTE_MS = 60_000
SIGNER = Signer.of(bytes(range(32, 64)))


class WorldBoard(fakes.Board):
    """Time jumps from event to event; `offset_ms` is the world's time at power-on."""

    uid = UID

    def __init__(self, flash, stimulus_path, offset_ms=0):
        super().__init__(flash)
        stimulus = self.stimulus = Stimulus(str(stimulus_path))
        self.path, self.offset_ms = stimulus_path, offset_ms
        self.clock = VirtualClock()
        self.clock.held = True
        self._start_utc_ms = stimulus.start_utc_ms
        self._sensors = Sensors(stimulus, self.clock, offset_ms * 1000)
        self.thermometers = self._sensors.thermometers
        self.accelerometer = self._sensors.accelerometer

    def ticks_ms(self):
        self.tick_ms = self.clock.now_us() // 1000
        return self.tick_ms

    def world_ms(self):
        return self.ticks_ms() + self.offset_ms

    def world_utc_ms(self):
        return self._start_utc_ms + self.world_ms()

    def accelerometer_int(self):
        return self._sensors.interrupt_level()

    def pass_until(self, tick_ms):
        """Until then, or until the accelerometer wakes the logger."""
        self._sensors.interrupted()
        event_us = self._sensors.next_interrupt_us(tick_ms * 1000)
        self.clock.jump(tick_ms * 1000 if event_us is None else min(event_us, tick_ms * 1000))
        self._sensors.interrupted()


class WorldTrip:
    """One logger in one world, from provisioning to its read-out."""

    def __init__(self, folder, stimulus, profile, operator="AB"):
        self._folder = folder
        path = folder / "stimulus"
        stimulus.write(path)
        self.app, self.host = fakes.make(WorldBoard(NorFlash(64), path))
        self.pairs = []
        self._arm(profile, operator)

    @property
    def board(self):
        return self.app.board

    def _clock(self):
        board = self.board
        return {"tick": board.ticks_ms(), "utc": board.world_utc_ms(), "unc": 20, "src": codes.CLOCK_VIRTUAL}

    def _arm(self, profile, operator):
        fakes.provision(self.host)
        sensors = tuple(
            Sensor(one.model, one.step_nK, one.low_raw, one.high_raw, one.uncertainty_mK)
            for one in self.board.thermometers
        )
        fitted = Fitted(sensors, self.board.accelerometer.model)
        plan = to_plan(profile, fitted)
        clock = self._clock()
        request = {"k0": fakes.K0, "plan": plan_bytes(plan), "op": operator} | clock
        answer = self.host.prove(smp.CMD_ARM, request)
        self.receipt = Receipt(
            UID, NAME, answer["trip"], profile.name, plan, tuple(describe(plan, fitted)), settings_hash(plan),
            "0.1.0", answer["fw"], seals.commitment(fakes.K0), clock["utc"], clock["tick"], clock["unc"], operator,
            "celltrail test", sensors, fitted.accel_model, simulated=True,
        ).signed_by(SIGNER)  # fmt: skip

    def go_to(self, minutes):
        """Let the world go on until so many minutes from its start."""
        board = self.board
        end_ms = minutes * MINUTE_MS - board.offset_ms
        while board.ticks_ms() < end_ms:
            again_ms = self.app.step()
            board.pass_until(end_ms if again_ms is None else min(max(again_ms, board.ticks_ms()), end_ms))
        return self

    def mark(self, kind, place="", note="", operator="", proven=True, outcome=0):
        """A custody mark of now."""
        request = {"kind": kind, "outcome": outcome, "op": operator, "place": place, "note": note}
        if proven:
            answer = self.host.prove(smp.CMD_MARK, request)
        else:
            answer = self.host.ask(smp.GROUP_CELLTRAIL, smp.CMD_MARK, smp.OP_WRITE, request)
        assert "tick" in answer
        return self

    def lose_power(self, minutes):
        """The battery falls out, and somebody puts it back."""
        old = self.board
        old.stimulus.close()
        board = WorldBoard(old.flash, old.path, old.world_ms() + minutes * MINUTE_MS)
        self.app, self.host = fakes.make(board)
        return self

    def set_clock(self, operator="AB"):
        assert self.host.prove(smp.CMD_CLOCK, {"op": operator} | self._clock()) == {}
        return self

    def stop(self, operator="L1"):
        assert self.host.prove(smp.CMD_STOP, {"op": operator}) == {}
        return self

    def read(self, keys, operator="L1"):
        """The bytes of the read-out of the stopped trip, signed; the key store then holds its key and receipt."""
        ring, data = self.app.trip.ring, bytearray(SECTOR_SIZE)
        sectors = []
        for index in range(ring.index + 1):
            assert ring.read_into(index, 0, data)
            sectors.append(bytes(data))
        clock = self._clock()
        self.board.stimulus.close()
        pair = [self.app.state.boot, clock["tick"], clock["utc"], clock["unc"], clock["src"]]
        meta = {"uid": UID, "name": NAME, "trip": ring.trip, "host": "celltrail 0.1.0", "operator": operator}
        status = {"trip": ring.trip, "sectors": len(sectors), "state": codes.STATE_STOPPED, "fw": "0.1.0"}
        parts = TrailParts(meta | {"status": status, "pairs": [pair]}, [(0, b"".join(sectors))])
        keys.save_trip(UID, ring.trip, fakes.K0, self.receipt)
        keys.save("identity", "signing", SIGNER.to_json())
        word = check_trail(parse_trail(trail_bytes(parts), self._folder / "trip.trail"), keys).verdict.word
        return trail_bytes(parts, signing(SIGNER, operator, clock["utc"], word))
