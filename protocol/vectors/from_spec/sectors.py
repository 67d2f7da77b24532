"""Whole sectors of the ring, the journal, the store and the keys (sections 1, 2, 5, 6 and 7)."""

from collections.abc import Iterator
from typing import Any

from from_spec import rice
from from_spec.frames import PLAN_VALUES, TMP117, TYPICAL, journal_payload
from from_spec.proofs import K0, checkpoint_tag, key_of, seal_tag
from from_spec.records import STATE_VALUES, bare, store_record
from from_spec.tables import CHANNEL, FRAMES, JOURNAL_READING, NUMBERS, STATE_RECORD
from from_spec.wire import DEVICE, FRAMES_END, PAGE_SIZE, Sector, Values, Vector, pack, pieces, vector

TRIP = 3
SEAL_A, SEAL_B = 0xFC0, 0xF80
PLAN = pack(FRAMES[1][1], PLAN_VALUES) + pack(CHANNEL, TMP117)


def payload(type_name: str, **changes: Any) -> bytes:
    return pack(FRAMES[NUMBERS[type_name]][1], TYPICAL[type_name] | changes)


def readings(slot: int, numbers: list[int]) -> bytes:
    values = {"channel": 0, "slot": slot, "count": len(numbers), "series": rice.readings(numbers)}
    return pack(FRAMES[0x10][1], values)


def header(sequence: int, index: int = 0, epoch: int = 0, prev_tag: bytes = bytes(8)) -> bytes:
    """A ring sector's header."""
    place = {"sequence": sequence, "trip": TRIP, "index": index, "epoch": epoch}
    return bare("header", place | {"tick_ms": 93_400, "boot": 12, "events": 0, "prev_tag": prev_tag})


def opened(sequence: int, index: int = 0, epoch: int = 0, prev_tag: bytes = bytes(8)) -> Sector:
    """A ring sector with CLEAN mark, header and plan frame."""
    sector = Sector(sequence)
    sector.put(0, bare("clean", {"erase_count": 1, "sector": 6 + sequence % 8}))
    sector.put(16, header(sequence, index, epoch, prev_tag))
    sector.add(0x01, PLAN)
    return sector


def add_checkpoint(sector: Sector, epoch: int, tick_ms: int) -> None:
    """A checkpoint; its tag covers the sector up to itself."""
    start = pack("I epoch, Q tick_ms, H battery_mV", {"epoch": epoch, "tick_ms": tick_ms, "battery_mV": 2990})
    at = sector.add(0x40, start + bytes(16))
    body = bytes([len(start) + 22, 0x40]) + start
    tag = checkpoint_tag(K0, TRIP, epoch, bytes(sector.data[:at]) + body)
    sector.frames.pop()
    sector.add(0x40, start + tag, at)


def untagged_seal(sector: Sector, epoch: int, kind: int, tick_ms: int) -> tuple[Values, bytes]:
    """A seal's fields without its tag, and the tag."""
    start = {"sequence": sector.sequence, "epoch": epoch, "kind": kind, "used": sector.end}
    start |= {"frames": len(sector.frames), "tick_ms": tick_ms}
    covered = bare("seal", start | {"tag": bytes(32)})[:28]
    return start, seal_tag(K0, TRIP, epoch, bytes(sector.data), covered)


def sealed(sector: Sector, epoch: int, kind: int, slot: int = SEAL_A) -> bytes:
    """Write the seal; its tag."""
    if slot == SEAL_B:
        sector.put(SEAL_A, bytes(64))
    start, tag = untagged_seal(sector, epoch, kind, 172_800_000)
    sector.put(slot, bare("seal", start | {"tag": tag}))
    return tag


def ring(name: str, sector: Sector, error: str | None = None, **rest: Any) -> Vector:
    """A ring sector. `seal` is None, "good" or "forged"; `checkpoints`: whether the tag of each is right.

    `next` is the header of the sector behind it, where that vouches for it, and `seal` then the one vouched for.
    """
    whole: Values = {"area": "ring", "sequence": sector.sequence, "trip": TRIP, "k0": K0, "seal": None}
    whole |= {"frames": sector.frames, "damaged": [], "end": sector.end, "checkpoints": []} | rest
    if error:
        whole["error"] = error
    return vector(name, DEVICE, **whole, pieces=pieces(bytes(sector.data)))


def busy(sequence: int = 7) -> Sector:
    """A sector of an ordinary first day: readings, a fault, a mark, two checkpoints."""
    sector = opened(sequence)
    sector.add(0x02, payload("clock"))
    sector.add(0x05, payload("settings", part=0, parts=1))
    sector.add(0x04, payload("state"))
    sector.add(0x10, readings(0, [640 + i // 30 for i in range(120)]))
    sector.add(0x11, payload("missing", channel=0, slot=120))
    sector.add(0x32, payload("fault"))
    add_checkpoint(sector, 0, 14_400_000)
    sector.add(0x10, readings(123, [644] * 117))
    sector.add(0x30, payload("mark"))
    add_checkpoint(sector, 1, 14_460_000)
    return sector


def filled(sequence: int) -> Sector:
    """A sector filled to the last byte before the seals."""
    sector = opened(sequence)
    while sector.end < FRAMES_END:
        page_end = min(sector.end // PAGE_SIZE * PAGE_SIZE + PAGE_SIZE, FRAMES_END)
        room = page_end - sector.end
        size = room if room <= 254 else 128
        sector.add(0x7E, bytes((sector.end + i) % 256 for i in range(size - 6)))
    return sector


def whole_rings() -> Iterator[Vector]:
    header_only = opened(0)
    header_only.data[64:4096] = b"\xff" * 4032
    header_only.frames, header_only.end = [], 64
    yield ring("ring-header-only", header_only)
    yield ring("ring-plan-only", opened(0xFFFFFFFF))
    yield ring("ring-open", busy(), checkpoints=[True, True])
    sector = busy()
    sealed(sector, 2, 1)
    yield ring("ring-closed", sector, seal="good", checkpoints=[True, True])
    sector = busy(8)
    sealed(sector, 2, 0, SEAL_B)
    yield ring("ring-seal-b", sector, seal="good", checkpoints=[True, True])
    sector = filled(9)
    sealed(sector, 0, 0)
    yield ring("ring-filled", sector, seal="good")


def vouched() -> Iterator[Vector]:
    """The last page takes no seal: the tick is that of the sector's own header, the epoch one below the next one's."""
    sector = busy(11)
    _, tag = untagged_seal(sector, 2, 0, 93_400)
    rest: Values = {"checkpoints": [True, True], "seal": "good"}
    yield ring("ring-vouched", sector, next=header(12, 1, 3, tag[:8]), **rest)
    worn = busy(11)
    worn.put(SEAL_B, b"\x00\x04" + bytes(126))
    yield ring("ring-vouched-worn-bits", worn, next=header(13, 1, 3, tag[:8]), **rest)


def closed_page(sector: Sector) -> None:
    """Close the page at its next byte and go on at the next page."""
    sector.put(sector.end, b"\x00" * (-sector.end % PAGE_SIZE))
    sector.end += -sector.end % PAGE_SIZE


def pages() -> Iterator[Vector]:
    sector = opened(7)
    closed_page(sector)
    sector.add(0x02, payload("clock"))
    yield ring("ring-page-closed", sector)
    sector = opened(7)
    sector.add(0x02, payload("clock"), 256)
    yield ring("ring-page-left", sector)
    sector = opened(7)
    sector.add(0x7E, bytes(251 - sector.end - 6))
    assert sector.end == 251
    sector.add(0x02, payload("clock"), 256)
    yield ring("ring-five-bytes-left", sector)
    sector = opened(7)
    sector.add(0x02, payload("clock"), 768)
    sector.frames.pop()
    sector.end = sector.frames[-1][0] + sector.frames[-1][2] + 6
    yield ring("ring-frame-behind-blank-page", sector)


def damaged_pages() -> Iterator[Vector]:
    def spoiled(name: str, junk: bytes, error: str) -> Vector:
        sector = opened(7)
        at = sector.end
        sector.put(at, junk)
        sector.add(0x02, payload("clock"), 256)
        return ring(name, sector, error, damaged=[[at, 256]])

    yield spoiled("ring-torn-frame", b"\x1d\x02\x0c\x00", "a frame was torn")
    yield spoiled("ring-torn-and-zeroed", b"\x1d\x02" + bytes(126), "a torn frame was filled up with zeros")
    yield spoiled("ring-frame-too-short", b"\x05\x02\x00", "a length of 5")
    yield spoiled("ring-frame-crosses", b"\xfe\x02\x00", "a frame would cross the page")
    sector = opened(7)
    at = sector.end
    sector.put(at, b"\x1d\x02\x0c\x00" + bytes(25))
    sector.add(0x02, payload("clock"), at + 29)
    sector.frames.pop()
    sector.end = 256
    error = "the frame after a damaged one on its page is not read"
    yield ring("ring-frame-behind-damage", sector, error, damaged=[[at, 256]])


def forged() -> Iterator[Vector]:
    def changed(name: str, error: str, seal: str | None, at: int, value: bytes, **rest: Any) -> Vector:
        sector = busy()
        sealed(sector, 2, 1)
        sector.put(at, value)
        return ring(name, sector, error, **({"seal": seal, "checkpoints": [True, True]} | rest))

    yield changed("ring-seal-crc", "the seal's crc32 is wrong", None, SEAL_A + 60, b"\x00")
    yield changed("ring-byte-behind-frames", "a blank byte was written", "forged", 0xF00, b"\xfe")
    tags = {"checkpoints": [False, False]}
    yield changed("ring-clean-mark-changed", "the CLEAN mark was changed", "forged", 4, b"\x02", **tags)
    rest: Values = {"checkpoints": [True, True], "seal": "forged"}
    sector = busy(11)
    _, later = untagged_seal(sector, 2, 0, 172_800_000)
    error = "the next header vouches for a seal of another tick"
    yield ring("ring-vouched-other-tick", sector, error, next=header(12, 1, 3, later[:8]), **rest)
    _, tag = untagged_seal(sector, 2, 0, 93_400)
    error = "the next header's epoch is not the one after the seal's"
    yield ring("ring-vouched-other-epoch", sector, error, next=header(12, 1, 4, tag[:8]), **rest)
    moved = opened(7)
    moved.put(16, header(8))
    moved.sequence, moved.frames, moved.end = 8, [], 256
    yield ring("ring-renumbered", moved, "the header names another sequence", damaged=[[64, 256]])


def journals() -> Iterator[Vector]:
    def start(sequence: int) -> Sector:
        sector = Sector(sequence, journal=True)
        sector.put(0, bare("clean", {"erase_count": 9, "sector": 4}))
        sector.put(16, bare("journal_header", {"sequence": sequence, "trip": TRIP, "boot": 12}))
        return sector

    def one(name: str, sector: Sector, **rest: Any) -> Vector:
        whole: Values = {"area": "journal", "sequence": sector.sequence, "trip": TRIP}
        whole |= {"frames": sector.frames, "damaged": [], "end": sector.end} | rest
        return vector(name, DEVICE, **whole, pieces=pieces(bytes(sector.data)))

    sector = start(19)
    yield one("journal-blank", sector)
    for slot in range(30):
        missing = slot % 7 == 3
        sector.add(
            JOURNAL_READING,
            journal_payload(slot, [None if missing else 640 + slot, 5], [4] if missing else []),
        )
    yield one("journal-thirty", sector)
    full = start(0xFFFFFFFF)
    while full.end < 4096:
        room = -full.end % PAGE_SIZE or PAGE_SIZE
        size = 18 if room >= 36 else room
        full.add(JOURNAL_READING, journal_payload(full.end, [1, 2, 3, 4], []) + bytes(size - 18))
    yield one("journal-to-the-last-byte", full)


def stores() -> Iterator[Vector]:
    def placed(records: list[tuple[int, int, bytes]], gaps: dict[int, bytes]) -> tuple[bytes, list[list[Any]]]:
        """Records from offset 16 on, at multiples of 16; `gaps` puts junk in front of a record."""
        data, at, found = bytearray(b"\xff" * 4096), 16, []
        data[:16] = bare("clean", {"erase_count": 2, "sector": 0})
        for kind, number, content in records:
            if number in gaps:
                data[at : at + len(gaps[number])] = gaps[number]
                at = -(-at // PAGE_SIZE) * PAGE_SIZE
            record = store_record(kind, number, content)
            data[at : at + len(record)] = record
            found.append([at, kind, number, len(content)])
            at = -(-(at + len(record)) // 16) * 16
        return bytes(data), found

    state = pack(STATE_RECORD, STATE_VALUES)
    three = [(1, 5, b"\xa0"), (2, 6, bytes(200)), (3, 7, state), (3, 8, state)]
    for name, gaps in (("store-four-records", {}), ("store-torn-record", {8: b"CTR1\x03\x00\x20\x00"})):
        data, found = placed(three, gaps)
        yield vector(name, DEVICE, area="store", records=found, pieces=pieces(data))


def keys() -> Iterator[Vector]:
    data = bytearray(b"\xff" * 4096)
    data[:16] = bare("clean", {"erase_count": 3, "sector": 2})
    places = [page + slot for page in range(0, 4096, 256) for slot in (16, 64, 112, 160, 208)]
    for epoch, at in enumerate(places[:7]):
        slot = bare("key_slot", {"trip": TRIP, "epoch": epoch, "key": key_of(K0, epoch)})
        data[at : at + 48] = slot if epoch >= 5 else bytes(48)
    found = [[places[epoch], TRIP, epoch] for epoch in (5, 6)]
    yield vector("keys-two-valid", DEVICE, area="keys", slots=found, now=key_of(K0, 6), pieces=pieces(bytes(data)))


def valid() -> Iterator[Vector]:
    for part in (whole_rings(), vouched(), pages(), journals(), stores(), keys()):
        yield from part


def invalid() -> Iterator[Vector]:
    yield from damaged_pages()
    yield from forged()
