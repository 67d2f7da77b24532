"""How a person names a logger: `serial:///dev/ttyACM0`, `tcp://127.0.0.1:7788`, `ble://CT-3F2A91`."""

from dataclasses import dataclass

from celltrail.errors import UsageFault

SERIAL = "serial"
TCP = "tcp"
BLE = "ble"

_FORMS = "serial:///dev/ttyACM0, serial://COM5, tcp://127.0.0.1:7788 or ble://CT-3F2A91"


@dataclass(frozen=True)
class Address:
    """`target` is the port's name, `host:port`, or the name or address of a BLE device."""

    kind: str
    target: str

    def __str__(self) -> str:
        return f"{self.kind}://{self.target}"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """For tcp: the host without brackets, and the port."""
        host, _, port = self.target.rpartition(":")
        return host.strip("[]"), int(port)


def parse_address(text: str) -> Address:
    """Raises UsageFault with the forms that are understood."""
    kind, found, target = text.strip().partition("://")
    if not found or kind.lower() not in (SERIAL, TCP, BLE):
        hint = f"; did you mean serial://{text}?" if text.startswith(("/dev/", "COM")) else ""
        raise UsageFault(f"not a device address: {text!r}{hint or f' (use {_FORMS})'}")
    address = Address(kind.lower(), target)
    if not target.strip("/"):
        raise UsageFault(f"the address {text!r} names no {'port' if kind != BLE else 'device'} (use {_FORMS})")
    if address.kind == TCP:
        _check_tcp(address, text)
    return address


def _check_tcp(address: Address, text: str) -> None:
    host, _, port = address.target.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageFault(f"the address {text!r} must be tcp://HOST:PORT with a port from 1 to 65535")
