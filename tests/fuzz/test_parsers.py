"""Every target on its seeds, on what once broke it, on random bytes and on structured mutations; the same each time."""

import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import all_targets

TARGETS = all_targets()
# What makes or mounts a whole logger, or verifies and exports a whole file, is slow.
EXAMPLES = {
    "mount": 60,
    "trail": 40,
    "merge": 40,
    "record": 150,
    "bundle": 150,
    "client": 200,
    "proven": 200,
    "link": 100,
}
STEADY = settings(derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _as_a_user_sees_it():
    # Warnings of numpy about what a crafted file holds are not what these tests are about.
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("name", TARGETS)
def test_takes_its_seeds_and_what_once_broke_it(name: str):
    target = TARGETS[name]
    seeds = target.seeds()
    assert seeds
    for data in [*seeds, *(path.read_bytes() for path in target.found())]:
        target.run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_takes_mutations(name: str):
    from mutator import mutate

    target = TARGETS[name]
    seeds = target.seeds()

    @settings(STEADY, max_examples=EXAMPLES.get(name, 300))
    @given(st.integers(0, (1 << 30) - 1))
    def takes(number: int) -> None:
        target.run(mutate(seeds, number, target.most))

    takes()


@pytest.mark.parametrize("name", TARGETS)
def test_takes_random_bytes(name: str):
    target = TARGETS[name]

    @settings(STEADY, max_examples=min(100, EXAMPLES.get(name, 100)))
    @given(st.binary(max_size=400))
    def takes(data: bytes) -> None:
        target.run(data)

    takes()
