"""The right transport for an address."""

from smpclient.transport import SMPTransport

from celltrail.errors import DeviceFault
from celltrail.link.address import BLE, SERIAL, Address


def make_transport(address: Address) -> SMPTransport:
    """Not connected yet; raises DeviceFault for a kind of link that this version lacks."""
    if address.kind == SERIAL:
        from celltrail.link.transport_serial import SerialTransport

        return SerialTransport()
    if address.kind == BLE:
        raise DeviceFault(f"{address}: this version has no BLE yet; use the logger's serial port")
    from celltrail.link.transport_tcp import TcpTransport

    return TcpTransport()
