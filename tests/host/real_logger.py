"""The real firmware on a fake board, behind an in-memory transport of the real host code that can be cut anywhere."""

import asyncio
from hashlib import sha256

from fakes import K0, KEY, Board, arm, make, plan, restart, run

from boards.models.nor_flash import NorFlash
from celltrail.errors import LinkLost
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import Receipt
from celltrail.link.transport_console import ConsoleTransport
from celltrail_protocol import cbor, console, seals, smp
from celltrail_protocol.records import SECTOR_SIZE

MINUTE = 60_000
DOWNLOAD = (smp.GROUP_FS, smp.FS_DOWNLOAD)
TO_LOGGER, TO_HOST = 0, 1


def wavy(tick):
    """Readings that pack badly, so that sectors fill fast; bounded."""
    return 640 + (tick // MINUTE * 7919) % 4001 - 2000


class RealLogger:
    """An App with a trip; `passed` counts the bytes of each direction over all connections.

    `cut_at` is (direction, count): the link breaks once so many bytes have passed that way. `on_message` is called
    with (group, command) before the logger gets a request. `asked_again` are the offsets of the trip's file that
    were requested though they had come. `lose` is (direction, number) of a message that silently gets lost;
    `boundaries` are the counts of bytes of each direction at the ends of messages.
    """

    def __init__(self, sectors=10, **changes):
        board = Board(NorFlash(sectors), [wavy])
        self.app, self.host = make(board)
        self.plan = plan(**{"checkpoint_s": 3600, **changes})
        arm(self.host, self.plan)
        self.trip = self.app.trip.ring.trip
        self.name = f"/trip/{self.trip}"
        self.passed = [0, 0]
        self.cut_at = None
        self.cuts = 0
        self.messages = 0
        self.lose = None
        self.boundaries = [[], []]
        self.on_message = lambda group, command: None
        self.asked = []
        self.asked_again = []
        self.arrived = set()
        self._requests = {}
        # How many bytes the host knows to be sealed.
        self._sealed = 0

    def fly_until(self, sectors, minutes=0):
        """Log until the trip has so many sectors, and some minutes longer."""
        while self.app.trip.ring.sectors() < sectors:
            assert self.app.trip.ring.is_open
            run(self.app, self.app.board.tick_ms + MINUTE)
        run(self.app, self.app.board.tick_ms + minutes * MINUTE)

    def fly(self, minutes):
        """Let time pass."""
        run(self.app, self.app.board.tick_ms + minutes * MINUTE)

    def stop(self):
        """As another host would."""
        return self.host.prove(smp.CMD_STOP, {"op": "AB"})

    def reboot(self):
        """Power off and on."""
        self.app, self.host = restart(self.app)

    def keys_in(self, folder, device_key=True):
        """A key store that knows this logger and its trip."""
        keys = KeyStore(folder)
        uid = self.app.board.uid
        if device_key:
            keys.save_device_key(uid, "CT-000001", KEY)
        keys.save_trip(uid, self.trip, K0)
        return keys

    def receipt(self):
        """What the host that armed it has kept."""
        settings = cbor.loads(self.plan)
        return Receipt(
            uid=self.app.board.uid,
            name="CT-000001",
            trip=self.trip,
            profile="",
            plan=settings,
            plan_text=(),
            settings_hash=sha256(self.plan).digest(),
            firmware="0.1.0",
            firmware_hash=bytes(32),
            commitment=seals.commitment(K0),
            armed_utc_ms=1_700_000_000_000,
            tick_ms=0,
            uncertainty_ms=5,
            operator="AB",
            host="",
            sensors=(),
        )

    def forget_the_link(self):
        """Count from 0 again."""
        self.passed, self.boundaries = [0, 0], [[], []]
        self.asked, self.asked_again = [], []
        self.arrived, self.cuts, self.cut_at, self.lose = set(), 0, None, None

    # What the transport tells

    def note_request(self, message):
        op, _, _, _, group, sequence, command = smp.parse_header(message)
        self.messages += 1
        self.on_message(group, command)
        if (group, command) == DOWNLOAD and op == smp.OP_READ:
            request = cbor.loads(memoryview(message)[smp.HEADER_SIZE :])
            if request["name"] == self.name:
                self.asked.append(request["off"])
                self._requests[sequence] = request["off"]
                if request["off"] in self.arrived:
                    self.asked_again.append(request["off"])

    def note_answer(self, message):
        _, _, _, _, group, sequence, command = smp.parse_header(message)
        if (group, command) == DOWNLOAD and sequence in self._requests:
            answer = cbor.loads(memoryview(message)[smp.HEADER_SIZE :])
            offset = self._requests.pop(sequence)
            self.arrived.update(range(offset, min(offset + len(answer.get("data", b"")), self._sealed)))
        elif (group, command) == (smp.GROUP_CELLTRAIL, smp.CMD_STATUS):
            ring = self.app.trip.ring
            self._sealed = (ring.sectors() - ring.is_open) * SECTOR_SIZE

    def allowed(self, way, size):
        """How many of the next bytes pass."""
        if self.cut_at is None or self.cut_at[0] != way:
            return size
        return max(0, min(size, self.cut_at[1] - self.passed[way]))


class Plug(ConsoleTransport):
    """One connection to a RealLogger; each send lets the logger run until it has nothing more to say."""

    def __init__(self, logger):
        super().__init__()
        self._logger = logger
        self._requests = console.Reader()
        self._answers = console.Reader()
        self._broken = False

    async def connect(self, address, timeout_s):
        self._logger.app.board.link.is_connected = True

    async def disconnect(self):
        wire = self._logger.app.board.link
        wire.is_connected = False
        wire.incoming = wire.outgoing = b""
        self._logger.app.step()
        self._broken = True

    def _write(self, data):
        if self._broken:
            raise LinkLost("link lost: cut")
        logger = self._logger
        passing = data[: logger.allowed(TO_LOGGER, len(data))]
        logger.passed[TO_LOGGER] += len(passing)
        logger.boundaries[TO_LOGGER].append(logger.passed[TO_LOGGER])
        if logger.lose == (TO_LOGGER, len(logger.boundaries[TO_LOGGER])):
            return
        for message in self._requests.feed(passing):
            logger.note_request(bytes(message))
        logger.app.board.link.incoming += passing
        self._settle()
        if len(passing) < len(data):
            self._cut()
        # Answers come later than the sending returns, as on every real link.
        asyncio.get_running_loop().call_soon(self._deliver)

    def _settle(self):
        app = self._logger.app
        while True:
            before = (len(app.board.link.outgoing), len(app.board.link.incoming))
            app.step()
            if before == (len(app.board.link.outgoing), len(app.board.link.incoming)) and not before[1]:
                return

    def _deliver(self):
        logger, wire = self._logger, self._logger.app.board.link
        data, wire.outgoing = wire.outgoing, b""
        if self._broken or not data:
            return
        passing = data[: logger.allowed(TO_HOST, len(data))]
        logger.passed[TO_HOST] += len(passing)
        logger.boundaries[TO_HOST].append(logger.passed[TO_HOST])
        if logger.lose == (TO_HOST, len(logger.boundaries[TO_HOST])):
            return
        for message in self._answers.feed(passing):
            logger.note_answer(bytes(message))
        self._received(passing)
        if len(passing) < len(data):
            self._cut()

    def _cut(self):
        self._broken = True
        self._logger.cuts += 1
        self._logger.cut_at = None
        self._lost("cut")
