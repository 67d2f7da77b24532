"""The arm receipt: what was armed, on which logger, when and by whom. It holds no secret."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from celltrail.errors import UsageFault
from celltrail.files import describe_os_error, read_bytes, write_atomic
from celltrail.keys.ed25519 import Signer, is_good
from celltrail.plain_text import plain
from celltrail.plans.sensor import Sensor
from celltrail.utc import iso, parse

RECEIPT_VERSION = 1
_MOST_BYTES = 1_000_000
_LABEL = b"celltrail receipt 1\0"
_SIGNED_FIELDS = ("signer", "signature")
_HEX_FIELDS = {"uid": 8, "settings_hash": 32, "firmware_hash": 32, "commitment": 32}


@dataclass(frozen=True)
class Receipt:
    """`commitment` is SHA-256 of K(0); the logger's tick at `armed_utc_ms` was `tick_ms`.

    `signer` is the Ed25519 public key of the host that armed, with its `signature` over all the rest; both are empty
    in a receipt that nobody signed.
    """

    uid: bytes
    name: str
    trip: int
    profile: str
    plan: Mapping[str, Any]
    plan_text: tuple[str, ...]
    settings_hash: bytes
    firmware: str
    firmware_hash: bytes
    commitment: bytes
    armed_utc_ms: int
    tick_ms: int
    uncertainty_ms: int
    operator: str
    host: str
    sensors: tuple[Sensor, ...]
    accel_model: int = 0
    simulated: bool = False
    version: int = field(default=RECEIPT_VERSION)
    signer: bytes = b""
    signature: bytes = b""

    @property
    def clock_offset_ms(self) -> int:
        """What is added to the logger's tick to get UTC."""
        return self.armed_utc_ms - self.tick_ms

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: bytes as hex, the instant as ISO 8601."""
        values = asdict(self)
        for key in (*_HEX_FIELDS, *_SIGNED_FIELDS):
            values[key] = values[key].hex()
        values["armed_utc"] = iso(values.pop("armed_utc_ms"))
        values["clock_offset_ms"] = self.clock_offset_ms
        values["plan"] = dict(self.plan)
        values["plan_text"] = list(self.plan_text)
        values["sensors"] = [
            {**asdict(sensor), "name": sensor.name, "range": sensor.range_text()} for sensor in self.sensors
        ]
        return {"version": values.pop("version"), **values}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str = "receipt") -> "Receipt":
        """The receipt of a JSON object; UsageFault, naming `where`."""
        if not isinstance(values, Mapping) or values.get("version") != RECEIPT_VERSION:
            raise UsageFault(f"{where}: not a Celltrail arm receipt of version {RECEIPT_VERSION}")
        try:
            receipt = cls(**_fields_from_json(values))
        except (KeyError, OverflowError, TypeError, ValueError, UsageFault) as error:
            raise UsageFault(f"{where}: the receipt is damaged ({error})") from error
        is_signed = receipt.signer or receipt.signature
        if is_signed and not is_good(receipt.signer, receipt.signature, _message(values)):
            raise UsageFault(f"{where}: the receipt was changed after it was signed; restore it from a copy")
        return receipt

    def signed_by(self, signer: Signer) -> "Receipt":
        """The same with a signature."""
        named = replace(self, signer=signer.public, signature=b"")
        return replace(named, signature=signer.sign(_message(named.to_json())))


def _message(values: Mapping[str, Any]) -> bytes:
    """What is signed: the JSON object as it was written, but for the signature, with sorted keys and no spaces."""
    rest = {key: value for key, value in values.items() if key != "signature"}
    return _LABEL + json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()


def _hex(values: Mapping[str, Any], key: str) -> bytes:
    data = bytes.fromhex(values[key])
    if len(data) != _HEX_FIELDS[key]:
        raise ValueError(f"{key} has {len(data)} bytes instead of {_HEX_FIELDS[key]}")
    return data


def _sensor(values: Mapping[str, Any]) -> Sensor:
    return Sensor(*(int(values[key]) for key in ("model", "step_nK", "low_raw", "high_raw", "uncertainty_mK")))


def _fields_from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {key: _hex(values, key) for key in _HEX_FIELDS}
    fields |= {key: plain(values[key]) for key in ("name", "profile", "firmware", "operator", "host")}
    fields |= {key: int(values[key]) for key in ("trip", "tick_ms", "uncertainty_ms", "accel_model")}
    fields["armed_utc_ms"] = parse(values["armed_utc"])
    fields["plan"] = dict(values["plan"])
    fields["plan_text"] = tuple(plain(line) for line in values["plan_text"])
    fields["sensors"] = tuple(_sensor(entry) for entry in values["sensors"])
    fields["simulated"] = bool(values["simulated"])
    fields |= {key: bytes.fromhex(values.get(key, "")) for key in _SIGNED_FIELDS}
    return fields


def check_place(path: Path) -> None:
    """UsageFault when a receipt could not be written there; for asking before it is too late."""
    if path.is_dir():
        raise UsageFault(f"{path}: is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise UsageFault(f"{path}: is not a regular file; name another one")
    if not path.absolute().parent.is_dir():
        raise UsageFault(f"{path}: there is no such folder")
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.absolute().parent):
            pass
    except OSError as error:
        raise describe_os_error(path, error) from error


def save_receipt(path: Path, receipt: Receipt, *, replace: bool = False) -> None:
    """Write the receipt as readable JSON; UsageFault."""
    text = json.dumps(receipt.to_json(), indent=2, ensure_ascii=False) + "\n"
    write_atomic(path, text.encode(), replace=replace)


def load_receipt(path: Path) -> Receipt:
    """Read a receipt file; UsageFault."""
    try:
        values = json.loads(read_bytes(path, _MOST_BYTES))
    except (RecursionError, ValueError) as error:
        raise UsageFault(f"{path}: not a Celltrail arm receipt ({error})") from error
    return Receipt.from_json(values, str(path))
