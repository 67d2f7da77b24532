"""The messages of group 64, and the acknowledging download (SPEC.md sections 9.2, 9.3), the smpclient way."""

import functools
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from smp import file_management, message

from celltrail.evidence.tags import MOST_EPOCH
from celltrail.evidence.trail import MOST_BYTES
from celltrail.plain_text import printable
from celltrail_protocol import smp
from celltrail_protocol.records import SECTOR_SIZE

# What a logger can mean: a stranger's answer may not make us count to 2**64, nor steer the terminal.
Name: TypeAlias = Annotated[str, Field(max_length=64), AfterValidator(printable)]
U32: TypeAlias = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
Ms: TypeAlias = Annotated[int, Field(ge=0, le=1 << 50)]
Sectors: TypeAlias = Annotated[int, Field(ge=0, le=MOST_BYTES // SECTOR_SIZE)]
Used: TypeAlias = Annotated[int, Field(ge=0, le=SECTOR_SIZE)]
Epoch: TypeAlias = Annotated[int, Field(ge=0, le=MOST_EPOCH)]
Rep = TypeVar("Rep", bound=message.Response, covariant=True)


class Request(Protocol[Rep]):
    """What the client needs of a request; smpclient's own request classes fit too."""

    @property
    def _Response(self) -> type[Rep]: ...

    @property
    def BYTES(self) -> bytes: ...


class _Answer(message.Response):
    """Fields may be added to an answer: what we don't know is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    _GROUP_ID = smp.GROUP_CELLTRAIL

    def as_map(self) -> dict[str, Any]:
        """The answer's fields alone, as they came."""
        return self.model_dump(exclude={"header", "version", "sequence", "smp_data"}, exclude_none=True)


class Status(_Answer):
    """How the logger is; `last`, `low`, `high` in raw steps, one entry a channel; `kid`: which device key it has.

    `radio`: codes.RADIO_* and why; None for a logger without one. `wired`: False when its wiring record names a pin
    that its chip has not, and it uses its board's default.
    """

    _COMMAND_ID = smp.CMD_STATUS
    state: int
    reason: int
    trip: U32
    boot: int
    tick: Ms
    name: Name
    uid: Annotated[bytes, Field(min_length=8, max_length=8)]
    keyed: bool
    unread: int
    alarms: int
    battery: int
    clock: bool
    period: U32
    slot: int
    sectors: Sectors
    first: Sectors
    used: Used
    free: int
    chunk: Annotated[int, Field(ge=0, le=smp.LONGEST_MESSAGE)]
    fw: Name
    format: int
    models: tuple[int, ...]
    steps: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    accel: int
    last: tuple[int | None, ...] | None = None
    kid: bytes | None = None
    world: Ms | None = None
    radio: tuple[int, int] | None = None
    wired: bool | None = None

    @property
    def called(self) -> str:
        """Its name in messages to people; a new logger has none."""
        return self.name or f"the logger {self.uid.hex()}"


class StatusRead(message.ReadRequest):
    """Read by anyone; `ack`: how many bytes of downloads have come since the last one, of which the count restarts."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _COMMAND_ID = smp.CMD_STATUS
    _Response = Status
    ack: int | None = None


class Challenge(_Answer):
    """The logger's nonce, and what its clock said; `world` is a simulated world's UTC in ms."""

    _COMMAND_ID = smp.CMD_CHALLENGE
    dn: Annotated[bytes, Field(min_length=16, max_length=16)]
    tick: Ms
    boot: U32
    world: Ms | None = None


class ChallengeWrite(message.WriteRequest):
    """`hn`: our nonce, 16 bytes."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _COMMAND_ID = smp.CMD_CHALLENGE
    _Response = Challenge
    hn: bytes


class Live(_Answer):
    """The proof of a running trip; `pending` is the length of the pending file in bytes."""

    _COMMAND_ID = smp.CMD_LIVE
    trip: U32
    epoch: Epoch
    index: Sectors
    used: Used
    pending: Annotated[int, Field(ge=0, le=2 * SECTOR_SIZE)]
    tick: Ms
    mac: bytes


class LiveRead(message.ReadRequest):
    """`nonce`: ours, 16 bytes."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _COMMAND_ID = smp.CMD_LIVE
    _Response = Live
    nonce: bytes


class MarkTaken(_Answer):
    """The answer to a mark without proof."""

    _COMMAND_ID = smp.CMD_MARK
    tick: int


class MarkWrite(message.WriteRequest):
    """A mark without proof."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _COMMAND_ID = smp.CMD_MARK
    _Response = MarkTaken
    kind: int
    outcome: int
    op: str
    place: str
    note: str


class Calibrations(_Answer):
    """What the logger keeps of calibrations, as CBOR; empty for none."""

    _COMMAND_ID = smp.CMD_CALIBRATE
    cal: Annotated[bytes, Field(max_length=smp.LONGEST_MESSAGE)]


class CalibrationsRead(message.ReadRequest):
    """Read by anyone."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _COMMAND_ID = smp.CMD_CALIBRATE
    _Response = Calibrations


class Provisioned(_Answer):
    """The answer to the first provisioning."""

    _COMMAND_ID = smp.CMD_PROVISION
    uid: bytes


class ProvisionWrite(message.WriteRequest):
    """The first provisioning: the logger holds no key yet that could prove it."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _COMMAND_ID = smp.CMD_PROVISION
    _Response = Provisioned
    name: str
    key: bytes
    op: str
    utc: int


class Wired(_Answer):
    """The answer to a wiring that needed no proof."""

    _COMMAND_ID = smp.CMD_WIRE


class WireWrite(message.WriteRequest):
    """The wiring of a logger without a device key; `wiring`: the record's CBOR."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _COMMAND_ID = smp.CMD_WIRE
    _Response = Wired
    wiring: bytes
    op: str
    utc: int


class ProvenAnswer(_Answer):
    """`a`: the answer's CBOR; `m`: the logger's proof of it."""

    a: bytes
    m: bytes


class ProvenWrite(message.WriteRequest):
    """`a`: the request's CBOR; `n`: its number within the challenge; `c`: which challenge; `m`: our proof of it."""

    _GROUP_ID = smp.GROUP_CELLTRAIL
    _Response = ProvenAnswer
    a: bytes
    n: int
    c: bytes
    m: bytes


@functools.cache
def proven_write(command: int) -> type[ProvenWrite]:
    """The request class of one proven command: they differ in the number only."""
    return type(f"ProvenWrite{command}", (ProvenWrite,), {"_COMMAND_ID": command})


class FileDownload(file_management.FileDownloadRequest):
    """smp's download request, and how many bytes of the file we have so far."""

    _Response = file_management.FileDownloadResponse
    ack: int
