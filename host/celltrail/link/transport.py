"""The right transport for an address."""

from smpclient.transport import SMPTransport

from celltrail.link.address import BLE, SERIAL, Address


def make_transport(address: Address) -> SMPTransport:
    """Not connected yet."""
    if address.kind == SERIAL:
        from celltrail.link.transport_serial import SerialTransport

        return SerialTransport()
    if address.kind == BLE:
        from celltrail.link.transport_ble import BleTransport

        return BleTransport()
    from celltrail.link.transport_tcp import TcpTransport

    return TcpTransport()
