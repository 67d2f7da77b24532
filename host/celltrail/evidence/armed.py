"""The arm receipt against the record: the same logger, trip, settings, clock and firmware?

That its commitment is that of the key at hand is the matter of `key_choice`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from celltrail.evidence import causes
from celltrail.evidence.findings import Finding
from celltrail.evidence.record import ClockPair, Record
from celltrail.evidence.scan import Sector
from celltrail.evidence.trail import Trail
from celltrail.keys.receipt import Receipt
from celltrail.plans.planning import settings_hash
from celltrail.utc import span

# As far as a crystal may be off before its clock is doubted.
_DRIFT_PPM = 200
# Ticks and UTC are whole milliseconds, each rounded down, on both sides.
_ROUNDING_MS = 4
Known = Callable[[bytes], bool]


def with_plan(record: Record, receipt: Receipt | None) -> Record:
    """The plan of the arm receipt, where the ring has overwritten the record's own and the hash is the same."""
    if record.plan_bytes is not None or receipt is None or not record.settings:
        return record
    same = settings_hash(receipt.plan)[: len(record.settings)] == record.settings
    return replace(record, plan=dict(receipt.plan)) if same else record


def check_receipt(
    receipt: Receipt, record: Record, trail: Trail, sectors: Sequence[Sector], is_known: Known
) -> list[Finding]:
    """What the receipt contradicts; `is_known` tells whether this host knows a signer's public key."""
    found = []
    if receipt.uid != record.uid:
        text = f"the arm receipt is of another logger: {receipt.uid.hex()}, not {record.uid.hex()}"
        found.append(Finding(causes.RECEIPT_DEVICE, text))
    if receipt.trip != record.trip:
        text = f"the arm receipt is of another trip: {receipt.trip}, not {record.trip}"
        found.append(Finding(causes.RECEIPT_TRIP, text))
    if receipt.settings_hash[: len(record.settings)] != record.settings:
        found.append(Finding(causes.RECEIPT_SETTINGS, "the settings are not those of the arm receipt"))
    return found + _check_clock(receipt, record, sectors) + _check_firmware(receipt, trail) + _signer(receipt, is_known)


def _check_clock(receipt: Receipt, record: Record, sectors: Sequence[Sector]) -> list[Finding]:
    """The first clock that the logger noted in the boot of its arming, against that of the receipt."""
    pair = _first_pair(record, sectors)
    if pair is None:
        return []
    apart_ms = abs(pair.utc_ms - pair.at.tick_ms - receipt.clock_offset_ms)
    drift_ms = abs(pair.at.tick_ms - receipt.tick_ms) * _DRIFT_PPM // 1_000_000
    if apart_ms <= pair.uncertainty_ms + receipt.uncertainty_ms + drift_ms + _ROUNDING_MS:
        return []
    text = f"the record's first clock and the clock of the arm receipt are {span(apart_ms)} apart"
    return [Finding(causes.RECEIPT_CLOCK, text)]


def _first_pair(record: Record, sectors: Sequence[Sector]) -> ClockPair | None:
    """None when the beginning of the trip is not there: an arming and its clock stand in sector 0."""
    if not sectors or sectors[0].index != 0 or sectors[0].header is None:
        return None
    boot = sectors[0].header.boot
    return next((pair for pair in record.clock_pairs if pair.recorded and pair.at.boot == boot), None)


def _check_firmware(receipt: Receipt, trail: Trail) -> list[Finding]:
    """A read-out tells the firmware's version, not its hash; a change is worth a word and no fault."""
    status = trail.meta.get("status")
    running = status.get("fw") if isinstance(status, dict) else None
    if not isinstance(running, str) or running == receipt.firmware:
        return []
    text = f"the logger was armed with firmware {receipt.firmware} and read with {running!r}"
    return [Finding(causes.FIRMWARE, text)]


def _signer(receipt: Receipt, is_known: Known) -> list[Finding]:
    if not receipt.signer:
        return [Finding(causes.RECEIPT_UNSIGNED, "the arm receipt is not signed")]
    if is_known(receipt.signer):
        return []
    text = f"the arm receipt is signed with key {receipt.signer.hex()}, which this computer doesn't know"
    return [Finding(causes.RECEIPT_SIGNER, text)]
