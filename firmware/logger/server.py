"""The SMP server: one message in, one answer out; what it does not know it refuses (SPEC.md section 9)."""

from celltrail_protocol import cbor, smp
from celltrail_protocol.layout import ProtocolError
from logger.refused import Refused
from logger.ring import RingFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from logger.caller import Caller
    from logger.commands import Commands
    from logger.files import Files
    from logger.standard import Standard

    Map = dict[str, Any]
    Handler = Callable[[Map], Map]


class Server:
    """Knows who answers what; holds nothing of a connection."""

    def __init__(self, commands: "Commands", files: "Files", standard: "Standard") -> None:
        self._commands = commands
        self._handlers: "dict[tuple[int, int, int], Handler]" = {
            (smp.GROUP_OS, smp.OS_ECHO, smp.OP_WRITE): standard.echo,
            (smp.GROUP_OS, smp.OS_ECHO, smp.OP_READ): standard.echo,
            (smp.GROUP_OS, smp.OS_DATETIME, smp.OP_READ): standard.datetime,
            (smp.GROUP_OS, smp.OS_DATETIME, smp.OP_WRITE): standard.refuse,
            (smp.GROUP_OS, smp.OS_RESET, smp.OP_WRITE): standard.refuse,
            (smp.GROUP_OS, smp.OS_PARAMETERS, smp.OP_READ): standard.parameters,
            (smp.GROUP_OS, smp.OS_INFO, smp.OP_READ): standard.info,
            (smp.GROUP_STAT, smp.STAT_GROUP, smp.OP_READ): standard.statistics,
            (smp.GROUP_STAT, smp.STAT_LIST, smp.OP_READ): standard.statistics_list,
            (smp.GROUP_FS, smp.FS_DOWNLOAD, smp.OP_READ): files.download,
            (smp.GROUP_FS, smp.FS_DOWNLOAD, smp.OP_WRITE): files.refuse_upload,
            (smp.GROUP_FS, smp.FS_STATUS, smp.OP_READ): files.status,
            (smp.GROUP_FS, smp.FS_HASH, smp.OP_READ): files.hash,
            (smp.GROUP_FS, smp.FS_HASH_TYPES, smp.OP_READ): files.hash_types,
            (smp.GROUP_FS, smp.FS_CLOSE, smp.OP_WRITE): files.close,
            (smp.GROUP_CELLTRAIL, smp.CMD_STATUS, smp.OP_READ): commands.report.status,
            (smp.GROUP_CELLTRAIL, smp.CMD_CHALLENGE, smp.OP_WRITE): commands.challenge,
            (smp.GROUP_CELLTRAIL, smp.CMD_LIVE, smp.OP_READ): commands.report.live,
            (smp.GROUP_CELLTRAIL, smp.CMD_CALIBRATE, smp.OP_READ): commands.calibrations,
        }

    def answer(self, message: bytes, caller: "Caller | None" = None) -> "bytes | None":
        """The answer to a message, by default one that came over the cable; None when it is no request.

        Raises MemoryError only in the middle of what changes the logger: a restart mends that, going on does not.
        """
        try:
            op, version, _, _, group, sequence, command = smp.parse_header(message)
        except ProtocolError:
            return None
        if op not in (smp.OP_READ, smp.OP_WRITE) or version > 1:
            return None
        self._commands.turn_to(caller or self._commands.cable)
        try:
            data = cbor.dumps(self._run(group, command, op, message))
        except Refused as why:
            data = _error(version, group, why.code, why.plain)
        except MemoryError:
            if op == smp.OP_WRITE and group == smp.GROUP_CELLTRAIL:
                raise
            data = _error(version, group, _no_memory(group), smp.MGMT_NO_MEMORY)
        return smp.pack_header(op + 1, version, group, sequence, command, len(data)) + data

    def _run(self, group: int, command: int, op: int, message: bytes) -> "Map":
        try:
            request = _body(group, message)
            if not isinstance(request, dict):
                raise ProtocolError("smp: the body is no map")
            handler = self._handlers.get((group, command, op))
            if handler is not None:
                return handler(request)
            if group == smp.GROUP_CELLTRAIL and op == smp.OP_WRITE:
                return self._commands.run(command, request)
        except ProtocolError:
            ours = group == smp.GROUP_CELLTRAIL
            raise Refused(smp.ERR_BAD_REQUEST if ours else smp.MGMT_BAD_VALUE, smp.MGMT_BAD_VALUE)
        except RingFull:
            raise Refused(smp.ERR_STATE, smp.MGMT_BAD_STATE)
        raise Refused(smp.MGMT_NOT_SUPPORTED, smp.MGMT_NOT_SUPPORTED)


def _body(group: int, message: bytes) -> "Any":
    """What the request holds; raises ProtocolError, and Refused when the heap has no room for it."""
    if len(message) == smp.HEADER_SIZE:
        return {}
    try:
        return cbor.loads(memoryview(message)[smp.HEADER_SIZE :])
    except MemoryError:
        raise Refused(_no_memory(group), smp.MGMT_NO_MEMORY)


def _no_memory(group: int) -> int:
    return smp.ERR_NO_MEMORY if group == smp.GROUP_CELLTRAIL else smp.MGMT_NO_MEMORY


def _error(version: int, group: int, code: int, plain: int) -> bytes:
    # A number that the group does not have of its own goes out the general way in both versions, as Zephyr does.
    if version == 0 or (code == plain and group != smp.GROUP_CELLTRAIL):
        return cbor.dumps({"rc": plain})
    return cbor.dumps({"err": {"group": group, "rc": code}})
