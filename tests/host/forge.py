"""A pen that writes whole trips as a logger would, honest unless a test tells it otherwise.

It follows SPEC.md sections 2 to 5 and 11 with the protocol package only, and knows nothing of firmware or reader.
"""

from collections.abc import Sequence
from typing import Any

from celltrail.evidence.trail import TrailParts
from celltrail_protocol import cbor, codes, frames, plan, plan_rules, seals, series
from celltrail_protocol.layout import pack, size
from celltrail_protocol.records import (
    CLEAN,
    FRAMES_AT,
    FRAMES_END,
    HEADER,
    HEADER_AT,
    MAGIC_CLEAN,
    MAGIC_HEADER,
    MAGIC_SEAL,
    NO_SLOT,
    PAGE_SIZE,
    SEAL,
    SEAL_A_AT,
    SEAL_B_AT,
    SEAL_CLOSED,
    SEAL_FULL,
    SEAL_TAGGED,
    SECTOR_SIZE,
    pack_checked,
)

UID = bytes.fromhex("e66118604b3f2a91")
NAME = "CT-3F2A91"
K0 = bytes(range(32))
# Model, step in ng, rate in mHz.
ADXL372 = (codes.MODEL_ADXL372, 100_000_000, 1_600_000)
TMP117 = (codes.MODEL_TMP117, 7_812_500, -7040, 19200, 100)
# 2025-03-01T08:00:00Z
START_UTC_MS = 1_740_816_000_000


def a_plan(**changes: Any) -> dict[str, Any]:
    """The defaults of the format, in the format's order of keys."""
    values = {**plan.DEFAULTS, "profile": "2-8C", **changes}
    return {key: values[key] for key in plan_rules.KEYS if key in values}


class Forge:
    """One trip. Ticks are given by the caller; `slot0` and `tick0_ms` are what plan frames say from then on.

    The sectors of the indexes `worn` take no seal: the next header vouches for them.
    """

    def __init__(
        self,
        trip: int = 3,
        k0: bytes = K0,
        uid: bytes = UID,
        settings: dict[str, Any] | None = None,
        channels: Sequence[tuple[int, ...]] = (TMP117,),
        accel: tuple[int, int, int] = ADXL372,
        sequence: int = 40,
        worn: Sequence[int] = (),
    ) -> None:
        self.trip, self.uid, self.k0 = trip, uid, k0
        self.settings = cbor.dumps(settings or a_plan())
        self.period_ms = cbor.loads(self.settings)["period_ms"]
        self.channels, self.accel = channels, accel
        self.sequence, self.index, self.boot = sequence - 1, -1, 1
        self.slot0, self.tick0_ms = NO_SLOT, 0
        self.key, self.epoch = k0, 0
        self.sealed: list[bytes] = []
        self.prev_tag = bytes(8)
        self.pending = b""
        self.worn = worn
        self.now_ms = self.opened_ms = 0
        self.events = 0
        self.open_sector()

    # Sectors

    def open_sector(self) -> None:
        """CLEAN mark, header and plan frame."""
        self.sequence += 1
        self.index += 1
        self.opened_ms = self.now_ms
        self.sector = bytearray(b"\xff" * SECTOR_SIZE)
        self.used, self.count = FRAMES_AT, 0
        clean = pack_checked(CLEAN, (MAGIC_CLEAN, 1, 6 + self.index % 100, 0xFFFF))
        self.sector[: len(clean)] = clean
        numbers = (self.sequence, self.trip, self.index, self.epoch, self.now_ms, self.boot, self.events)
        header = pack_checked(HEADER, (MAGIC_HEADER, 1, size(HEADER), 0, *numbers, self.prev_tag))
        self.sector[HEADER_AT : HEADER_AT + len(header)] = header
        self.put(frames.PLAN, self.plan_payload())

    def plan_payload(self) -> bytes:
        """The plan frame of now."""
        values = (1, self.trip, self.uid, seals.sha256(self.settings).digest()[:8], self.period_ms, self.boot)
        head = pack(frames.TABLES[frames.PLAN], (*values, self.slot0, self.tick0_ms, *self.accel, len(self.channels)))
        return head + b"".join(pack(frames.CHANNEL, channel) for channel in self.channels)

    def room_for(self, length: int) -> bool:
        """Move on to where a frame of this length fits; False when the sector is full."""
        page_end = min(FRAMES_END, self.used - self.used % PAGE_SIZE + PAGE_SIZE)
        if self.used + length > page_end:
            self.used = self.used - self.used % PAGE_SIZE + PAGE_SIZE
        return self.used + length <= FRAMES_END

    def put(self, kind: int, payload: bytes) -> None:
        """Append a frame, in the next sector when this one is full."""
        while not self.room_for(len(payload) + frames.OVERHEAD):
            self.roll()
        frame = frames.build(kind, payload, frames.seed(self.sequence, self.used))
        self.sector[self.used : self.used + len(frame)] = frame
        self.used += len(frame)
        self.last_end = self.used
        self.count += 1

    def frame(self, kind: int, *values: Any) -> None:
        """Append a frame of these field values."""
        self.put(kind, pack(frames.TABLES[kind], values))

    def next_key(self) -> None:
        """Step the ratchet."""
        self.key = seals.next_key(self.key)
        self.epoch += 1

    def seal_fields(self, kind: int, tick_ms: int) -> tuple[tuple[Any, ...], bytes]:
        """The fields of the open sector's seal before its tag, and the tag."""
        fields = (MAGIC_SEAL, self.sequence, self.epoch, kind, 0, self.last_end, self.count, 0, tick_ms)
        start = pack((SEAL[0], SEAL[1], SEAL[2][:-2]), fields)
        assert len(start) == SEAL_TAGGED
        return fields, seals.seal_tag(self.key, self.trip, self.epoch, bytes(self.sector[:FRAMES_END]), start)

    def seal(self, kind: int, slot_b: bool = False) -> None:
        """Seal the open sector."""
        if self.index in self.worn:
            self.leave_unsealed()
            if kind == SEAL_CLOSED:
                self.open_sector()
                self.seal(kind)
            return
        fields, tag = self.seal_fields(kind, self.now_ms)
        offset = SEAL_B_AT if slot_b else SEAL_A_AT
        seal = pack_checked(SEAL, (*fields, tag))
        if slot_b:
            self.sector[SEAL_A_AT:] = bytes(SECTOR_SIZE - SEAL_A_AT)
        self.sector[offset : offset + len(seal)] = seal
        self.sealed.append(bytes(self.sector))
        self.prev_tag = tag[:8]
        self.next_key()

    def leave_unsealed(self) -> None:
        """The flash takes no seal: the next header will have the tag that it would have had."""
        self.prev_tag = self.seal_fields(SEAL_FULL, self.opened_ms)[1][:8]
        self.sealed.append(bytes(self.sector))
        self.next_key()

    def roll(self) -> None:
        """Seal this sector and open the next."""
        self.seal(SEAL_FULL)
        self.open_sector()

    # What a logger writes

    def arm(self, utc_ms: int = START_UTC_MS, uncertainty_ms: int = 50, at_ms: int = 5000) -> None:
        """Settings, state armed, clock."""
        self.now_ms = at_ms
        pieces = [self.settings[i : i + 150] for i in range(0, len(self.settings), 150)]
        for part, data in enumerate(pieces):
            self.frame(frames.SETTINGS, part, len(pieces), data)
        self.state(codes.STATE_ARMED, codes.REASON_COMMAND)
        self.clock(utc_ms, uncertainty_ms)

    def clock(self, utc_ms: int, uncertainty_ms: int = 50, source: int = codes.CLOCK_HOST) -> None:
        """A clock frame of now."""
        self.frame(frames.CLOCK, self.boot, self.now_ms, utc_ms, uncertainty_ms, source)

    def state(self, state: int, reason: int) -> None:
        """A state frame of now."""
        self.frame(frames.STATE, self.now_ms, state, reason, self.slot0, self.tick0_ms, 3700)

    def begin(self, at_ms: int = 10_000, slot0: int = 0) -> None:
        """Start logging."""
        self.now_ms, self.slot0, self.tick0_ms = at_ms, slot0, at_ms
        self.state(codes.STATE_LOGGING, codes.REASON_COMMAND)

    def reboot(self, slot0: int, at_ms: int = 10_000, cause: int = codes.RESET_POWER_ON) -> None:
        """The power was lost; the schedule goes on with slot0."""
        self.boot += 1
        self.now_ms, self.slot0, self.tick0_ms = at_ms, slot0, at_ms
        self.frame(frames.BOOT, self.boot, cause, at_ms, slot0, at_ms, 3650)

    def due_ms(self, slot: int) -> int:
        """The tick of a slot."""
        return self.tick0_ms + (slot - self.slot0) * self.period_ms

    def readings(self, slot: int, values: Sequence[int], channel: int = 0, group: int = 120) -> None:
        """Readings in groups, with the time going on."""
        for first in range(0, len(values), group):
            some = list(values[first : first + group])
            self.now_ms = self.due_ms(slot + first + len(some) - 1)
            data = series.encode(some, some[0], series.BLOCK_READINGS)
            self.frame(frames.READINGS, channel, slot + first, len(some), data)

    def missing(self, slot: int, count: int, code: int = codes.FAULT_ABSENT, channel: int = 0) -> None:
        """Slots without a reading."""
        self.now_ms = self.due_ms(slot + count - 1)
        self.frame(frames.MISSING, channel, slot, count, code)

    def gap(self, slot: int, count: int, reason: int = codes.GAP_LATE) -> None:
        """Slots that were not sampled."""
        self.now_ms = self.due_ms(slot + count - 1)
        self.frame(frames.GAP, slot, count, reason)

    def mark(self, kind: int, place: str = "", note: str = "", operator: str = "OP7", flags: int = 1) -> None:
        """A mark of now, and its checkpoint."""
        texts = (operator.encode(), place.encode(), note.encode())
        self.frame(frames.MARK, self.now_ms, kind, 0, flags, *texts)
        self.checkpoint()

    def alarm(self, alarm: int, channel: int, value_raw: int, slot: int) -> None:
        """An alarm of now, and its checkpoint."""
        self.frame(frames.ALARM, self.now_ms, alarm, channel, value_raw, slot)
        self.checkpoint()

    def shock(self, waves: Sequence[Sequence[int]], pre: int, threshold: int = 100, tick_us: int = 0) -> None:
        """An event of three axes, with its waveform; the first `pre` samples are rest."""
        base = tuple(sum(axis[:pre]) // pre for axis in waves)
        away = [[one - rest for one in axis] for axis, rest in zip(waves, base, strict=True)]
        active = [max(abs(axis[i]) for axis in away) >= threshold for i in range(len(waves[0]))]
        first, last = active.index(True), len(active) - 1 - active[::-1].index(True)
        inside = range(first, last + 1)
        peak = tuple(axis[max(inside, key=lambda i: (abs(off[i]), -i))] for axis, off in zip(waves, away, strict=True))
        velocity = tuple(sum(axis[first : last + 1]) for axis in away)
        runs = "".join("1" if one else "0" for one in active).split("0")
        longest = max(len(run) for run in runs)
        self.frame(
            frames.SHOCK, self.events, self.now_ms, tick_us, self.accel[2], base, peak, velocity, last - first + 1,
            longest, frames.SHOCK_WAVE, len(waves[0]), pre,
        )  # fmt: skip
        for axis, values in enumerate(waves):
            for at in range(0, len(values), 64):
                piece = list(values[at : at + 64])
                data = series.encode(piece, series.wave_base(piece), series.BLOCK_WAVE)
                self.frame(frames.WAVE, self.events, axis, at, len(piece), data)
        self.events += 1

    def checkpoint(self) -> None:
        """Tag the sector so far."""
        table = frames.TABLES[frames.CHECKPOINT]
        while not self.room_for(size(table) + frames.OVERHEAD):
            self.roll()
        fields = pack(table, (self.epoch, self.now_ms, 3700, bytes(16)))[:-16]
        covered = bytes(self.sector[: self.used]) + bytes((size(table) + frames.OVERHEAD, frames.CHECKPOINT)) + fields
        tag = seals.checkpoint_tag(self.key, self.trip, self.epoch, covered)
        self.put(frames.CHECKPOINT, fields + tag)
        self.next_key()

    def close(self, reason: int = codes.REASON_COMMAND) -> None:
        """Stop: state frame and closing seal."""
        self.state(codes.STATE_STOPPED, reason)
        self.seal(SEAL_CLOSED)

    def pend(self, slot: int, values: Sequence[int | None], codes_of_missing: bytes = b"") -> None:
        """A reading of all channels that is not packed yet."""
        raw = b"".join((-32768 if one is None else one).to_bytes(2, "little", signed=True) for one in values)
        payload = slot.to_bytes(4, "little") + raw + codes_of_missing
        self.pending += bytes((len(payload),)) + payload
        self.now_ms = max(self.now_ms, self.due_ms(slot))

    # Read-outs

    def meta(self, **changes: Any) -> dict[str, Any]:
        """The read-out record; `pairs` say that the host's clock agreed with the logger's first one."""
        status = {"trip": self.trip, "sectors": self.index + 1, "state": codes.STATE_LOGGING}
        made = {"uid": self.uid, "name": NAME, "trip": self.trip, "host": "celltrail test", "operator": "OP1"}
        return made | {"status": status, "pairs": []} | changes

    def closed_parts(self, **meta: Any) -> TrailParts:
        """The read-out of a stopped trip."""
        return TrailParts(self.meta(**meta), [(0, b"".join(self.sealed))])

    def running_parts(self, live: bool = True, **meta: Any) -> TrailParts:
        """The read-out of a running trip, with its live proof unless told otherwise."""
        data = bytes(self.sector[: self.last_end])
        nonce = bytes(range(16))
        answer = {
            "nonce": nonce,
            "trip": self.trip,
            "epoch": self.epoch,
            "index": self.index,
            "used": len(data),
            "pending": len(self.pending),
            "tick": self.now_ms,
            "mac": seals.live_mac(self.key, nonce, self.trip, self.epoch, self.index, len(data), data, self.pending),
        }
        runs = [(0, b"".join(self.sealed))] if self.sealed else []
        return TrailParts(self.meta(**meta), runs, (self.index, data), self.pending or None, answer if live else None)


def box_series(count: int, seed: int = 1) -> list[int]:
    """A quiet 2-8 degC box in TMP117 steps: a slow wave and a little noise, the same for each seed."""
    state = seed
    values = []
    level = 640
    for i in range(count):
        state = (state * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        level += (state >> 16) % 3 - 1
        noise = (state >> 8) % 41 - 20
        values.append(level + noise + (i % 720) // 60)
    return values


def five_days(close: bool = True, **changes: Any) -> Forge:
    """Five days at 60 s with a bit of everything, stopped or still running."""
    alarms = [[0, 0, 0, 1024, 1800], [0, 1, 0, 256, 1800]]
    forge = Forge(**{"settings": a_plan(alarms=alarms, shock=[10_000, 1250, 50, 16, 48, 4])} | changes)
    forge.arm()
    forge.begin()
    forge.mark(codes.MARK_PACKED, "Leipzig", "box 7")
    values = box_series(7200)
    forge.readings(0, values[:1000])
    forge.missing(1000, 4)
    forge.readings(1004, values[1004:1500])
    forge.gap(1500, 2)
    forge.mark(codes.MARK_HANDED_OVER, "LEJ", flags=0)
    wave = [0] * 16 + [0, 120, 340, 200, -150, -20] + [0] * 42
    forge.shock([wave, [value // 3 for value in wave], [10 + value // 2 for value in wave]], pre=16)
    forge.readings(1502, values[1502:4000])
    forge.readings(4000, [value + 500 for value in values[4000:4120]])
    forge.alarm(0, 0, 1140, 4060)
    forge.frame(frames.FAULT, forge.now_ms, codes.SOURCE_ACCELEROMETER, codes.FAULT_BUS, 0)
    forge.frame(frames.COMMAND, forge.now_ms, 5, b"OP7", 0, 0)
    forge.readings(4120, values[4120:6000])
    forge.reboot(6000)
    forge.clock(START_UTC_MS + 6100 * 60_000)
    forge.readings(6000, values[6000:7200])
    forge.now_ms += 1000
    if close:
        forge.close()
    return forge
