"""A hand-written logger: SMP on a socket or a pseudo-terminal, a made-up trip, misbehaviour on demand."""

import contextlib
import os
import select
import socket
import threading
import tty
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Self

import cbor2

from celltrail_protocol import codes, console, seals, smp
from celltrail_protocol.records import SECTOR_SIZE

UID = bytes.fromhex("e66164084331a722")
KEY = bytes(range(32))
DN = b"device nonce 16B"


class Refused(Exception):
    """An error answer: group and code."""


def sector(index: int) -> bytes:
    """4096 bytes that tell their index."""
    return (b"sector %06d " % index * 293)[:SECTOR_SIZE]


class FakeLogger:
    """Attributes may be changed at any time; `log` lists the (group, command) of each request."""

    def __init__(self, sealed: int = 3, used: int = 1000, pending: bytes = b"\x05abcde") -> None:
        self.state = codes.STATE_LOGGING
        self.name = "CT-31A722"
        self.board = "Generic ESP32 module with ESP32"
        self.trip = 7
        self.first = 0
        self.sectors = [sector(i) for i in range(sealed + 1)]
        self.used = used
        self.pending = pending
        self.chunk = 512
        self.key: bytes | None = KEY
        self.new_key: bytes | None = None
        self.tells_kid = True
        self.k0 = bytes(32)
        self.epoch = 2
        self.unread = True
        self.battery = 2950
        self.world: int | None = None
        self.clock = True
        self.slot = 10
        self.last: list[int | None] = [640]
        self.free = 100
        self.checks = 0
        self.calibrations = b""
        self.test_result: dict[str, Any] = {"probes": [[0, 2560]], "flash": 0, "battery": 3900, "failed": 0}
        self.log: list[tuple[int, int]] = []
        self.commands: list[tuple[int, dict[str, Any]]] = []
        self.acknowledged_late = 0
        # Misbehaviour
        self.deaf: set[tuple[int, int]] = set()
        self.mute: set[tuple[int, int]] = set()
        self.hang_up_after = 0
        self.noise = b""
        self.liar = False
        self.before_answer: Callable[[int, int], None] = lambda group, command: None
        self.refuse_next: list[int] = []
        self._hn = b""
        self._unacknowledged = 0

    # --- answers

    def status(self, _: dict[str, Any]) -> dict[str, Any]:
        self._unacknowledged = 0
        answer = {
            "state": self.state, "reason": 1, "trip": self.trip, "boot": 3, "tick": 123456, "name": self.name,
            "uid": UID, "keyed": self.key is not None, "unread": self.unread, "alarms": 0, "battery": self.battery,
            "clock": self.clock, "period": 60000, "slot": self.slot, "sectors": len(self.sectors), "first": self.first,
            "used": self.used, "free": self.free, "chunk": self.chunk, "fw": "0.1.0", "format": 1, "models": [1],
            "steps": [7812500], "low": [-7040], "high": [19200], "accel": 16, "last": self.last, "new_in_2030": 1,
        }  # fmt: skip
        if self.tells_kid:
            answer["kid"] = seals.key_id(self.key) if self.key is not None else b""
        return answer | ({} if self.world is None else {"world": self.world})

    def challenge(self, request: dict[str, Any]) -> dict[str, Any]:
        self._hn = request["hn"]
        answer = {"dn": DN, "tick": 123456, "boot": 3}
        return answer | ({} if self.world is None else {"world": self.world})

    def live(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.state not in (codes.STATE_ARMED, codes.STATE_LOGGING):
            raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_STATE)
        key = self.k0
        for _ in range(self.epoch):
            key = seals.next_key(key)
        index = len(self.sectors) - 1
        data = self.sectors[index][: self.used]
        mac = seals.live_mac(key, request["nonce"], self.trip, self.epoch, index, self.used, data, self.pending)
        return {
            "trip": self.trip, "epoch": self.epoch, "index": index, "used": self.used,
            "pending": len(self.pending), "tick": 1, "mac": mac,
        }  # fmt: skip

    def proven(self, command: int, request: dict[str, Any]) -> dict[str, Any]:
        if command == smp.CMD_CHECK:
            self.checks += 1
        if self.refuse_next:
            raise Refused(smp.GROUP_CELLTRAIL, self.refuse_next.pop(0))
        if self.key is None:
            raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_NO_KEY)
        mac = seals.command_mac(self.key, seals.HOST, command, request["n"], DN, self._hn, request["a"])
        if mac != request["m"] or request["n"] != 1 or request["c"] != DN[:4]:
            raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_NOT_PROVEN)
        answer = cbor2.dumps(self.carry_out(command, cbor2.loads(request["a"])))
        key = bytes(32) if self.liar else self.key
        # Answered under the key that goes.
        self.key, self.new_key = self.new_key or self.key, None
        return {"a": answer, "m": seals.command_mac(key, seals.DEVICE, command, 1, DN, self._hn, answer)}

    def carry_out(self, command: int, request: dict[str, Any]) -> dict[str, Any]:
        # The time of day that a host tells with every command is another one each time.
        told = {word: value for word, value in request.items() if word != "utc" or "tick" in request}
        self.commands.append((command, told))
        if command == smp.CMD_ARM:
            return self._arm(request)
        if command == smp.CMD_STOP:
            self.state = codes.STATE_STOPPED
        if command == smp.CMD_START:
            self.state = codes.STATE_LOGGING
        if command == smp.CMD_ROTATE:
            return self._rotate(request)
        if command == smp.CMD_ERASE:
            self.state, self.sectors = codes.STATE_IDLE, []
        if command == smp.CMD_CLOCK:
            self.clock = True
        if command == smp.CMD_ACKNOWLEDGE:
            self.unread = False
        if command == smp.CMD_CALIBRATE:
            self.calibrations = self.calibrations_of(request["cal"])
        if command == smp.CMD_TEST:
            return self.test_result
        return {"tick": 124000, "uid": UID} if command in (smp.CMD_MARK, smp.CMD_PROVISION) else {}

    def calibrations_of(self, sent: bytes) -> bytes:
        """What it keeps of what it is given."""
        return sent

    def _rotate(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.key is not None
        new = seals.mask_key(request["key"], self.key, DN, self._hn)
        if seals.rotation_check(new, DN, self._hn) != request["check"]:
            raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_BAD_REQUEST)
        self.new_key = new
        return {"kid": seals.key_id(new)}

    def _arm(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.unread and not request["discard"]:
            raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_UNREAD)
        self.k0, self.epoch, self.trip, self.state = request["k0"], 0, self.trip + 1, codes.STATE_ARMED
        if cbor2.loads(request["plan"])["start"] == codes.START_NOW:
            self.state = codes.STATE_LOGGING
        return {
            "trip": self.trip, "tick": 124000, "settings": sha256(request["plan"]).digest(),
            "commit": seals.commitment(self.k0), "fw": bytes(32), "sequence": 40,
        }  # fmt: skip

    def open_command(self, command: int, request: dict[str, Any]) -> dict[str, Any]:
        if command == smp.CMD_PROVISION:
            if self.key is not None:
                raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_KEY_SET)
            self.key, self.name = request["key"], request["name"]
        elif command != smp.CMD_MARK:
            raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_NOT_PROVEN)
        return self.carry_out(command, request)

    def file(self, name: str) -> bytes:
        content = b"".join(self.sectors)
        files = {f"/trip/{self.trip}": content, f"/trip/{self.trip}/pending": self.pending}
        if name not in files:
            raise Refused(smp.GROUP_FS, 3)
        return files[name]

    def download(self, request: dict[str, Any]) -> dict[str, Any]:
        data = self.file(request["name"])
        if request["name"] == f"/trip/{self.trip}" and request["off"] < self.first * SECTOR_SIZE:
            raise Refused(smp.GROUP_FS, 7)
        part = data[request["off"] :][: self.chunk]
        self._unacknowledged += len(part)
        if self._unacknowledged - request["ack"] > smp.UNACKNOWLEDGED:
            self.acknowledged_late += 1
        return {"off": request["off"], "data": part, "len": len(data)}

    def answer(self, group: int, command: int, request: dict[str, Any]) -> dict[str, Any]:
        if group == smp.GROUP_FS:
            if command == smp.FS_DOWNLOAD:
                return self.download(request)
            data = self.file(request["name"])
            if command == smp.FS_STATUS:
                return {"len": len(data)}
            part = data[request["off"] :][: request["len"]]
            return {
                "type": "sha256",
                "off": request["off"],
                "len": len(part),
                "output": sha256(part).digest(),
            }
        if (group, command) == (smp.GROUP_OS, smp.OS_INFO):
            return {"output": f"Celltrail 0.1.0 {'ab' * 32} {self.board}".strip()}
        if group != smp.GROUP_CELLTRAIL:
            raise Refused(group, smp.MGMT_NOT_SUPPORTED)
        if "m" in request:
            return self.proven(command, request)
        plain = {
            smp.CMD_STATUS: self.status,
            smp.CMD_CHALLENGE: self.challenge,
            smp.CMD_LIVE: self.live,
            smp.CMD_CALIBRATE: lambda _: {"cal": self.calibrations},
        }
        return plain[command](request) if command in plain else self.open_command(command, request)

    def handle(self, message: bytes) -> bytes:
        """The lines that answer one message. Deaf to a command: nothing happens; mute: the answer is lost."""
        op, version, _, _, group, sequence, command = smp.parse_header(message)
        self.log.append((group, command))
        self.before_answer(group, command)
        if (group, command) in self.deaf:
            return b""
        try:
            body = self.answer(group, command, cbor2.loads(message[smp.HEADER_SIZE :]))
        except Refused as refused:
            body = {"err": {"group": refused.args[0], "rc": refused.args[1]}}
        if (group, command) in self.mute:
            return b""
        data = cbor2.dumps(body)
        head = smp.pack_header(op + 1, version, group, sequence, command, len(data))
        return self.noise + b"".join(console.encode(head + data))


class Served:
    """Base of the two ways to reach a fake; a thread answers until the block ends or the plug is pulled."""

    def __init__(self, logger: FakeLogger) -> None:
        self.logger = logger
        self.address = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        self._thread.join(5)

    def unplug(self) -> None:
        """As if the cable was pulled."""
        self._over.set()

    def _converse(self, handle: int) -> None:
        lines, answers = console.Reader(), 0
        while self._ready(handle):
            data = os.read(handle, 4096)
            if not data:
                return
            for message in lines.feed(data):
                _write_all(handle, self.logger.handle(message))
                answers += 1
                if answers == self.logger.hang_up_after:
                    self.logger.hang_up_after = 0
                    return

    def _ready(self, handle: int) -> bool:
        """Waits for something to read; False once the plug is pulled."""
        while not self._over.is_set():
            if select.select([handle], [], [], 0.02)[0]:
                return True
        return False

    def _serve(self) -> None:
        raise NotImplementedError


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


class OverTcp(Served):
    """`address` is tcp://127.0.0.1:PORT; takes connections one after the other."""

    def __init__(self, logger: FakeLogger) -> None:
        super().__init__(logger)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        with self._listener:
            while self._ready(self._listener.fileno()):
                talk, _ = self._listener.accept()
                with talk, contextlib.suppress(OSError):
                    self._converse(talk.fileno())


class OverPty(Served):
    """`address` is serial:///dev/pts/N."""

    def __init__(self, logger: FakeLogger) -> None:
        super().__init__(logger)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.address = f"serial://{self.port}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._converse(self._master)
        os.close(self._slave)
        os.close(self._master)
