"""Ed25519 (RFC 8032, section 5.1) in the slowest and plainest way: for vectors only, never for a secret."""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]
BASE_Y = 4 * pow(5, P - 2, P) % P
# The even root of x^2 = (y^2 - 1) / (d y^2 + 1) at y = 4/5.
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def add(one: Point, other: Point) -> Point:
    """Extended homogeneous coordinates."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """Double and add."""
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def packed(point: Point) -> bytes:
    """y, with the lowest bit of x on top."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def number_of(*parts: bytes) -> int:
    """SHA-512 as an integer."""
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def halves(secret: bytes) -> tuple[int, bytes]:
    """The scalar, with bits set and cleared, and the prefix."""
    hashed = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(hashed[:32], "little")
    return scalar & (1 << 254) - 8 | 1 << 254, hashed[32:]


def public_key(secret: bytes) -> bytes:
    """32 bytes."""
    return packed(times(halves(secret)[0], BASE))


def sign(secret: bytes, message: bytes) -> bytes:
    """64 bytes."""
    scalar, prefix = halves(secret)
    public = packed(times(scalar, BASE))
    r = number_of(prefix, message) % ORDER
    point = packed(times(r, BASE))
    s = (r + number_of(point, public, message) * scalar) % ORDER
    return point + s.to_bytes(32, "little")
