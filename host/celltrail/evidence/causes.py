"""Why a read-out is not simply good: stable words for machines, each with what it does to the verdict.

`celltrail verify --json` gives them as `findings[].cause`, and the first that counts as `cause`.
"""

from typing import NamedTuple

ALTERED = "altered"
MISSING = "missing"
UNPROVEN = "unproven"
NOTE = "note"


class Cause(NamedTuple):
    """A stable name, and one of ALTERED, MISSING, UNPROVEN, NOTE."""

    name: str
    kind: str


# Altered, the most telling first: in this order they are shown, and the first of a verdict is its `cause`.
OTHER_READ_OUT = Cause("read-out-of-another-trip", ALTERED)
FOREIGN_DEVICE = Cause("foreign-device", ALTERED)
FOREIGN_TRIP = Cause("foreign-trip", ALTERED)
OLDER_READ_OUT = Cause("older-read-out", ALTERED)
OTHER_CONTENT = Cause("other-content-than-read-before", ALTERED)
RECEIPT_DEVICE = Cause("receipt-of-another-device", ALTERED)
RECEIPT_TRIP = Cause("receipt-of-another-trip", ALTERED)
RECEIPT_SETTINGS = Cause("other-settings-than-armed", ALTERED)
RECEIPT_CLOCK = Cause("other-clock-than-armed", ALTERED)
REPEATED = Cause("sector-repeated", ALTERED)
MOVED = Cause("sector-moved", ALTERED)
OTHER_EPOCH = Cause("key-of-another-epoch", ALTERED)
NO_TAG_FITS = Cause("no-seal-fits-the-key", ALTERED)
AFTER_CLOSE = Cause("more-after-the-closing-seal", ALTERED)
FRAME = Cause("frame-damaged", ALTERED)
PLACE = Cause("seal-place-written", ALTERED)
SEAL_MISSING = Cause("seal-missing", ALTERED)
LIVE = Cause("live-proof-wrong", ALTERED)
TAG = Cause("bytes-changed", ALTERED)
CHAIN = Cause("chain-broken", ALTERED)
EPOCH_ORDER = Cause("epoch-out-of-order", ALTERED)
SIGNATURE = Cause("signature-wrong", ALTERED)
HEADER = Cause("header-damaged", ALTERED)
SETTINGS = Cause("settings-changed", ALTERED)
FILE = Cause("file-damaged", ALTERED)

# Missing.
SECTORS = Cause("sectors-missing", MISSING)
SLOTS = Cause("slots-missing", MISSING)
TWICE = Cause("slots-twice", MISSING)
CUT = Cause("file-cut-off", MISSING)

# Nothing contradicts, and nothing proves.
KEY_OF_RECEIPT = Cause("key-not-that-of-the-receipt", UNPROVEN)
LATER_KEY = Cause("key-of-a-later-epoch", UNPROVEN)
NO_KEY = Cause("no-key", UNPROVEN)
NO_LIVE = Cause("live-proof-missing", UNPROVEN)
UNSEALED = Cause("end-not-sealed", UNPROVEN)

# Worth a word.
NEWER_KNOWN = Cause("later-read-out-known", NOTE)
RECEIPT_UNSIGNED = Cause("receipt-not-signed", NOTE)
RECEIPT_SIGNER = Cause("receipt-signer-unknown", NOTE)
FIRMWARE = Cause("other-firmware-than-armed", NOTE)
SEAL_VOUCHED = Cause("seal-vouched-for", NOTE)
PLACE_WORN = Cause("seal-place-worn", NOTE)
TORN = Cause("frame-torn", NOTE)
NO_PLAN = Cause("plan-frame-missing", NOTE)
PENDING = Cause("pending-reading-damaged", NOTE)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Cause))
RANK = {cause: number for number, cause in enumerate(ALL)}
