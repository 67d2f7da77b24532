"""How many bytes, programs and erases one reading costs on the flash."""

from collections import Counter

from celltrail_protocol import frames
from celltrail_protocol.records import RING_FIRST
from tests.bench.counted_flash import AREAS
from tests.bench.figures import Figure, at_most, median, say
from tests.bench.flight import Flight, fly
from tests.bench.paths import WORK

SEEDS = (1, 2, 3, 4, 5)
DAYS = 14.0
_PUBLISHED = "HOBO 1.56 B (published; Blue Maestro 2, pvvx 10, Ruuvi 16)"


def measure() -> list[Figure]:
    """Bytes, programs and erases of whole trips of the firmware, each seed another box."""
    quiet = [_fly(seed, shocks=False) for seed in SEEDS]
    shaken = [_fly(seed, shocks=True) for seed in SEEDS]
    return [*_stored(quiet, shaken), *_work(quiet)]


def _fly(seed: int, shocks: bool) -> Flight:
    say(f"  box scenario, seed {seed}, {'with' if shocks else 'no'} shocks")
    return fly(WORK, seed=seed, days=DAYS, shocks=shocks)


# Bytes


def _stored(quiet: list[Flight], shaken: list[Flight]) -> list[Figure]:
    values = [_stored_bytes(flight) for flight in quiet]
    how = (
        f"{DAYS:.0f} days at 60 s, box scenario, profile 2-8C without shocks, median of seeds "
        f"{SEEDS[0]} to {SEEDS[-1]} (worst {max(values):.3f}): every byte other than 0xFF programmed in the trip's "
        f"ring sectors, CLEAN marks, headers, checkpoints and seals included; by frame: {_breakdown(quiet[0])}"
    )
    occupied = median([flight.occupied_bytes / flight.readings for flight in quiet])
    events = median([flight.shocks for flight in shaken])
    told = "the same trips: flash up to the last frame and its seal, so with page ends that no frame fitted"
    shocks = f"the same with the scenario's handling: {events:.0f} shock events (median), 16 waveforms of 512 xyz"
    with_shocks = median([_stored_bytes(flight) for flight in shaken])
    return [
        Figure("stored_bytes_per_reading", median(values), "B", how, _PUBLISHED, 1.56, at_most(0.8)),
        Figure("occupied_bytes_per_reading", occupied, "B", told),
        Figure("stored_bytes_per_reading_with_shocks", with_shocks, "B", shocks),
    ]


def _stored_bytes(flight: Flight) -> float:
    return sum(flight.flash.bytes_in[number] for number in flight.sectors) / flight.readings


def _breakdown(flight: Flight) -> str:
    """Bytes a reading of each frame type, largest first."""
    sizes: Counter[str] = Counter()
    for kind, payload in flight.frames:
        sizes[frames.NAMES[kind]] += len(payload) + frames.OVERHEAD
    return ", ".join(f"{name} {size / flight.readings:.3f}" for name, size in sizes.most_common())


# Programs and erases


def _work(flights: list[Flight]) -> list[Figure]:
    """A sector of the ring is erased and marked once for each time it is used; what lies ahead is told apart."""
    programs = median([_of_trip(flight, flight.flash.programs_in) for flight in flights])
    erases = median([_of_trip(flight, flight.flash.erases_in) for flight in flights])
    first = flights[0]
    shares = ", ".join(f"{area} {_area(first, numbers):.4f}" for area, numbers in AREAS.items())
    how = (
        f"the same trips, from arming to the closing seal, all areas ({shares}, the rest in the ring); the CLEAN marks "
        "of sectors that the trip prepared and did not use are left out"
    )
    told = (
        f"the same; each ring sector used counts one erase. Once after arming {first.prepared_erases} sectors are "
        "erased ahead, so that no erase falls into a shock"
    )
    littlefs = "littlefs, append and flush of 16 B (published)"
    return [
        Figure("flash_programs_per_reading", programs, "", how, target=at_most(1.05)),
        Figure("flash_erases_per_reading", erases, "", told, littlefs, 1.05, at_most(0.01)),
    ]


def _area(flight: Flight, numbers: tuple[int, ...]) -> float:
    return sum(flight.flash.programs_in[number] for number in numbers) / flight.readings


def _of_trip(flight: Flight, counts: list[int]) -> float:
    ring = sum(counts[number] for number in flight.sectors)
    return (sum(counts[:RING_FIRST]) + ring) / flight.readings
