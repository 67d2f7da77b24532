"""The open sector of the ring: frames are appended to it, tagged by checkpoints and a seal (SPEC.md section 5)."""

from celltrail_protocol import frames, records, seals
from celltrail_protocol.codes import STATE_STOPPED
from celltrail_protocol.layout import pack, size, unpack
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, HEADER_AT, PAGE_SIZE, SEAL_A_AT, SEAL_B_AT, SECTOR_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer
    from logger.area import Area

    Found = tuple[int, int, int, int]

_SMALLEST = 48
_CHECKPOINT_SIZE = size(frames.TABLES[frames.CHECKPOINT]) + frames.OVERHEAD
_STATE_SIZE = size(frames.TABLES[frames.STATE])
_SEAL_SIZE = size(records.SEAL)
_MAGIC_SIZE = len(records.MAGIC_SEAL)
_VOID_SEAL = bytes(_SEAL_SIZE - _MAGIC_SIZE)
_BLANK = b"\xff" * PAGE_SIZE
_UNTAGGED = (records.SEAL[0], 1, records.SEAL[2][:-2])


def _page_end(offset: int) -> int:
    return min(FRAMES_END, offset - offset % PAGE_SIZE + PAGE_SIZE)


def first_in_page(found: "list[Found]", end: int) -> int:
    """The offset of the first frame on the page of the last one, which ends at `end`."""
    page = end - 1 - (end - 1) % PAGE_SIZE
    return min([offset for offset, _, _, _ in found if offset >= page] or [end])


def fresh_page(sector: "Buffer", end: int, limit: int) -> int:
    """Where writing goes on after a restart: the first page that no cut can have touched, or `limit`.

    `end` is the offset after the last valid frame. The frame that power cut short lies in the page of `end`, or in
    the next one, and may look blank; where its torn bytes show they tell the page. Zeros that an earlier restart
    has closed pages with tell it as well: what went on behind them may look blank.
    """
    stop = limit
    while stop > end:
        # By pages and in C: this is done in each start.
        start = max(end, (stop - 1) // PAGE_SIZE * PAGE_SIZE)
        torn = bytes(sector[start:stop]).rstrip(b"\xff")
        if torn:
            end = start + len(torn) - 1
            break
        stop = start
    return min(limit, (end // PAGE_SIZE + 2) * PAGE_SIZE)


class OpenSector:
    """`used` is the offset for the next frame, `last_end` the offset after the last one.

    `is_mounted` tells that the sector was open before the last restart.
    """

    def __init__(self, area: "Area", number: int, sequence: int, trip: int) -> None:
        self._area = area
        self._addr = number * SECTOR_SIZE
        self._sequence = sequence
        self._trip = trip
        self._nframes = 0
        self._piece = bytearray(PAGE_SIZE)
        self.used = FRAMES_AT
        self.last_end = FRAMES_AT
        self.is_sealed = False
        self.is_mounted = False

    def write_header(self, header: bytes) -> bool:
        """Program the header; False when it does not read back: then it is made unreadable for ever."""
        if self._area.begin(self._addr // SECTOR_SIZE, header):
            return True
        self._area.zero(self._addr + HEADER_AT, self._addr + FRAMES_AT)
        return False

    def _fit(self, length: int) -> bool:
        """Move `used` to where a frame of `length` fits; False when the sector is full."""
        at = self.used
        if at + length > _page_end(at):
            at += PAGE_SIZE - at % PAGE_SIZE
        if at + length > FRAMES_END:
            return False
        self.used = at
        return True

    def page_room(self) -> int:
        """Bytes that a payload may have to fit the open page, or the next one when less than 48 are left."""
        left = _page_end(self.used) - self.used
        return min(frames.LONGEST, left if left >= _SMALLEST else PAGE_SIZE) - frames.OVERHEAD

    def put(self, kind: int, payload: "Buffer") -> bool:
        """Commit a frame; False when the sector is full."""
        while self._fit(len(payload) + frames.OVERHEAD):
            if self._program(frames.build(kind, payload, frames.seed(self._sequence, self.used))):
                return True
        return False

    def _program(self, frame: bytes) -> bool:
        addr = self._addr + self.used
        if self._area.write(addr, frame):
            self.used += len(frame)
            self.last_end = self.used
            self._nframes += 1
            return True
        end = _page_end(self.used)
        closed = self._area.zero(addr, self._addr + end)
        # A page that stays blank would end every later scan.
        self.used = end if closed else FRAMES_END
        return False

    def put_checkpoint(self, key: bytes, epoch: int, tick_ms: int, battery_mV: int) -> bool:
        """Commit a checkpoint under `key`; False when the sector is full."""
        while self._fit(_CHECKPOINT_SIZE):
            fields = pack(frames.TABLES[frames.CHECKPOINT], (epoch, tick_ms, battery_mV, bytes(16)))[:-16]
            mac = seals.start_checkpoint(key, self._trip, epoch)
            self._feed(mac, self.used)
            mac.update(bytes((_CHECKPOINT_SIZE, frames.CHECKPOINT)) + fields)
            payload = fields + mac.digest()[:16]
            if self._program(frames.build(frames.CHECKPOINT, payload, frames.seed(self._sequence, self.used))):
                return True
        return False

    def _feed(self, mac: "seals.Hmac", end: int) -> None:
        """The sector's bytes 0 to `end` as they lie."""
        piece = self._piece
        for at in range(0, end, PAGE_SIZE):
            self._area.flash.read_into(self._addr + at, piece)
            mac.update(piece if at + PAGE_SIZE <= end else memoryview(piece)[: end - at])

    def _make_seal(self, key: bytes, epoch: int, kind: int, tick_ms: int) -> "tuple[bytes, bytes]":
        """A seal's record and its tag."""
        values = (records.MAGIC_SEAL, self._sequence, epoch, kind, 0, self.last_end, self._nframes, 0, tick_ms)
        mac = seals.start_seal(key, self._trip, epoch)
        self._feed(mac, FRAMES_END)
        mac.update(pack(_UNTAGGED, values))
        tag = mac.digest()
        return records.pack_checked(records.SEAL, values + (tag,)), tag

    def tag(self, key: bytes, epoch: int, tick_ms: int) -> bytes:
        """The tag that the seal of a full sector has."""
        return self._make_seal(key, epoch, records.SEAL_FULL, tick_ms)[1]

    def seal(self, key: bytes, epoch: int, kind: int, tick_ms: int) -> "bytes | None":
        """Write the seal and return its tag; None when neither slot takes it. Slot B is for when A does not.

        What was refused is filled with zeros: it must not read as a seal some day.
        """
        seal, tag = self._make_seal(key, epoch, kind, tick_ms)
        self.used = FRAMES_END
        self.is_sealed = True
        # Before a restart slot A may have been begun and still look blank. Its zeros tell that B is begun.
        if not self.is_mounted and self._area.write(self._addr + SEAL_A_AT, seal):
            return tag
        self._area.zero(self._addr + SEAL_A_AT, self._addr + SECTOR_SIZE)
        if self._area.write(self._addr + SEAL_B_AT, seal):
            return tag
        self._area.zero(self._addr + SEAL_B_AT, self._addr + SECTOR_SIZE)
        return None

    # Mounting

    def mount(self) -> "tuple[bytearray, list[Found]]":
        """Read the sector and take up where its frames end; its bytes and frames."""
        sector = self._area.read(self._addr, SECTOR_SIZE)
        found, _, _ = frames.scan_all(sector, FRAMES_AT, FRAMES_END, self._sequence)
        self._nframes = len(found)
        self.is_mounted = True
        if found:
            self.used = self.last_end = found[-1][3] + frames.CHECK_SIZE
        return sector, found

    def sealed(self, sector: bytearray) -> "tuple[int, int, bytes] | None":
        """(epoch, kind, tag) of the sector's valid seal, programmed again against weak bits; or None."""
        for at in (SEAL_A_AT, SEAL_B_AT):
            seal = records.unpack_checked(records.SEAL, sector, at, records.MAGIC_SEAL)
            if seal is not None:
                self._area.again(self._addr + at, sector[at : at + _SEAL_SIZE])
                self.used = FRAMES_END
                self.is_sealed = True
                return seal[2], seal[3], seal[9]
        return None

    def is_sealing(self, sector: bytearray) -> bool:
        """Whether the seal in slot B was begun: all before it is firm, and must stay as its tag has it."""
        return sector[SEAL_A_AT + _MAGIC_SIZE :] == _VOID_SEAL

    def may_be_left(self, sector: bytearray, found: "list[Found]") -> bool:
        """Whether the next sector may have been begun: for want of a blank page, or of a place for the last seal."""
        _, kind, start, end = found[-1] if found else (0, frames.PLAN, 0, 0)
        if kind == frames.PLAN:
            return True
        stopped = False
        # A payload that is too short is none of ours, though its check is right.
        if kind == frames.STATE and end - start >= _STATE_SIZE:
            stopped = unpack(frames.TABLES[kind], sector, start, end)[1] == STATE_STOPPED
        return stopped or self._is_last(sector)

    def _is_last(self, sector: bytearray) -> bool:
        """Whether no page is blank behind that of the last frame."""
        at = _page_end(self.last_end)
        while at + PAGE_SIZE <= FRAMES_END:
            if sector[at : at + PAGE_SIZE] == _BLANK:
                return False
            at += PAGE_SIZE
        return True

    def refresh(self, sector: bytearray, found: "list[Found]") -> None:
        """Program again what a cut may have left half-written, zeros over torn bytes, and go on at a new page."""
        # First: the seal in slot A may have been begun, and its tag would not cover what is written here.
        self._area.zero(self._addr + SEAL_A_AT, self._addr + SEAL_A_AT + _MAGIC_SIZE)
        end = self.last_end
        start = first_in_page(found, end)
        self._area.again(self._addr + start, sector[start:end])
        fresh = fresh_page(sector, end, FRAMES_END)
        closed = self._area.close(self._addr + end, self._addr + fresh)
        self.used = fresh if closed else FRAMES_END
