"""The open sector of the ring: frames are appended to it, tagged by checkpoints and a seal (SPEC.md section 5)."""

from celltrail_protocol import frames, records, seals
from celltrail_protocol.layout import pack, size
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, HEADER_AT, PAGE_SIZE, SEAL_A_AT, SEAL_B_AT, SECTOR_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer
    from logger.area import Area

    Found = tuple[int, int, int, int]

_PIECE = 256
_SMALLEST = 48
_CHECKPOINT_SIZE = size(frames.TABLES[frames.CHECKPOINT]) + frames.OVERHEAD
_UNTAGGED = (records.SEAL[0], 1, records.SEAL[2][:-2])


def _page_end(offset: int) -> int:
    return min(FRAMES_END, offset - offset % PAGE_SIZE + PAGE_SIZE)


class OpenSector:
    """`used` is the offset for the next frame, `last_end` the offset after the last one."""

    def __init__(self, area: "Area", number: int, sequence: int, trip: int) -> None:
        self._area = area
        self._addr = number * SECTOR_SIZE
        self._sequence = sequence
        self._trip = trip
        self._nframes = 0
        self.used = FRAMES_AT
        self.last_end = FRAMES_AT

    def write_header(self, header: bytes) -> bool:
        """Program the header; False when it does not read back."""
        return self._area.write(self._addr + HEADER_AT, header)

    def _fit(self, length: int) -> bool:
        """Move `used` to where a frame of `length` fits; False when the sector is full."""
        if self.used + length > _page_end(self.used):
            self.used = self.used - self.used % PAGE_SIZE + PAGE_SIZE
        return self.used + length <= FRAMES_END

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
        self._area.zero(addr, self._addr + end)
        self.used = end
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
        buf = bytearray(_PIECE)
        for at in range(0, end, _PIECE):
            view = memoryview(buf)[: min(_PIECE, end - at)]
            self._area.flash.read_into(self._addr + at, view)
            mac.update(view)

    def seal(self, key: bytes, epoch: int, kind: int, tick_ms: int) -> bytes:
        """Write the seal and return its tag; slot B takes it when slot A does not read back."""
        values = (records.MAGIC_SEAL, self._sequence, epoch, kind, 0, self.last_end, self._nframes, 0, tick_ms)
        mac = seals.start_seal(key, self._trip, epoch)
        self._feed(mac, FRAMES_END)
        mac.update(pack(_UNTAGGED, values))
        tag = mac.digest()
        seal = records.pack_checked(records.SEAL, values + (tag,))
        if not self._area.write(self._addr + SEAL_A_AT, seal):
            self._area.zero(self._addr + SEAL_A_AT, self._addr + SECTOR_SIZE)
            self._area.write(self._addr + SEAL_B_AT, seal)
        self.used = FRAMES_END
        return tag

    # Mounting

    def mount(self) -> "tuple[bytearray, list[Found]]":
        """Read the sector and take up where its frames end; its bytes and frames."""
        sector = self._area.read(self._addr, SECTOR_SIZE)
        found, damaged, used = frames.scan_all(sector, FRAMES_AT, FRAMES_END, self._sequence)
        self._nframes = len(found)
        self.used = self.last_end = used
        return sector, found

    def sealed(self, sector: bytearray) -> "tuple[int, int, bytes] | None":
        """(epoch, kind, tag) of the sector's valid seal, programmed again against weak bits; or None."""
        for at in (SEAL_A_AT, SEAL_B_AT):
            seal = records.unpack_checked(records.SEAL, sector, at, records.MAGIC_SEAL)
            if seal is not None:
                self._area.write(self._addr + at, bytes(sector[at : at + size(records.SEAL)]))
                self.used = FRAMES_END
                return seal[2], seal[3], seal[9]
        return None

    def refresh(self, sector: bytearray, found: "list[Found]") -> None:
        """Program again what a cut may have left half-written, zeros over torn bytes, and go on at a new page."""
        self._area.write(self._addr + HEADER_AT, bytes(sector[HEADER_AT:FRAMES_AT]))
        last_page = self.used - 1 - (self.used - 1) % PAGE_SIZE
        for offset, _, _, end in found:
            if offset >= last_page:
                self._area.write(self._addr + offset, bytes(sector[offset : end + 2]))
        torn = FRAMES_END
        while torn > self.last_end and sector[torn - 1] == 0xFF:
            torn -= 1
        if torn > self.last_end:
            self._area.zero(self._addr + self.last_end, self._addr + _page_end(torn - 1))
        self.used = -(-torn // PAGE_SIZE) * PAGE_SIZE
        if bytes(sector[SEAL_B_AT:]) != b"\xff" * (SECTOR_SIZE - SEAL_B_AT):
            # A torn seal has tagged the frames so far: none may follow, and slot B takes the seal.
            self._area.zero(self._addr + SEAL_A_AT, self._addr + SECTOR_SIZE)
            self.used = FRAMES_END
