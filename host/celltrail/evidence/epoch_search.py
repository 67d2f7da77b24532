"""Which epoch's key made a tag that doesn't fit its place? And which epoch is a key that fits no beginning?

Whoever opens a logger holds the key of now and all later ones, and may remake what lies before (compare
CVE-2023-31439). The verdict does not depend on what is found here, only the words do, so the search is bounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from celltrail.evidence.chain import LINK, Tag
from celltrail.evidence.tags import MOST_EPOCH, Ladder, checkpoint_tag, live_is_good, seal_tag
from celltrail.evidence.trail import Trail
from celltrail_protocol.seals import next_key

# Epochs beyond the last one of the file that are tried, too: the thief's key is that of a later day.
_BEYOND = 64
_NEAR = 256
_MOST_TRIES = 20_000
# Ratchet steps from a key at hand to a tag, where the tag of its own epoch is missing or was changed.
_STEPS = 8


def tag_is_good(key: bytes, tag: Tag, trip: int, epoch: int) -> bool:
    """Whether a tag was made with this key for this epoch; `trip` is -1 where nothing tells it."""
    if trip < 0:
        return False
    if tag.seal_kind is None:
        return checkpoint_tag(key, trip, epoch, tag.covered) == tag.tag
    made = seal_tag(key, trip, epoch, tag.covered, tag.fields)
    return (made if tag.voucher is None else made[:LINK]) == tag.tag


class EpochSearch:
    """Looks for the keys of bad tags from `key`, that of `first_epoch`, to beyond the last of the file's `epochs`."""

    def __init__(self, key: bytes, first_epoch: int, trip: int, epochs: Sequence[int]) -> None:
        self.trip = trip
        self._ladder = Ladder(key, first_epoch)
        self._first = first_epoch
        self._last = min(MOST_EPOCH, max(epochs, default=first_epoch) + _BEYOND)
        self._keys: dict[int, bytes] = {}
        self._tries = _MOST_TRIES
        self._guess = first_epoch

    def epoch_of(self, tag: Tag, place: int) -> int | None:
        """The epoch whose key made the tag, None when none of those tried did; `place` is where it stands."""
        for epoch in self._candidates(place, tag.epoch):
            key = self._key(epoch)
            if any(tag_is_good(key, tag, self.trip, said) for said in {tag.epoch, place, epoch}):
                self._guess = epoch + 1
                return epoch
        return None

    def epoch_of_live(self, live: Mapping[str, Any], data: bytes, pending: bytes, place: int) -> int | None:
        """The same for a live proof."""
        said = live.get("epoch")
        for epoch in self._candidates(place, said if type(said) is int else place):
            if live_is_good(self._key(epoch), live, data, pending):
                return epoch
        return None

    def _key(self, epoch: int) -> bytes:
        if epoch not in self._keys:
            self._keys[epoch] = self._ladder.key(epoch)
        return self._keys[epoch]

    def _candidates(self, place: int, said: int) -> Iterator[int]:
        """What follows the last one found, what the tag says, its neighbours, then the latest."""
        near = range(place, place + _NEAR)
        earlier = range(max(self._first, place - _NEAR), place)
        latest = range(max(self._first, self._last - _NEAR), self._last + 1)
        for epoch in dict.fromkeys([self._guess, said, *near, *earlier, *latest]):
            if self._tries <= 0:
                return
            if self._first <= epoch <= self._last:
                self._tries -= 1
                yield epoch


def epoch_of_key(key: bytes, tags: Sequence[Sequence[Tag]], trail: Trail, trip: int) -> int | None:
    """The epoch of a key that is not K(0): of the first tag that it, or a key that follows from it, has made."""
    following = [key]
    for _ in range(_STEPS - 1):
        following.append(next_key(following[-1]))
    tries = _MOST_TRIES
    for tag in (tag for its_tags in tags for tag in its_tags):
        for steps, one in enumerate(following):
            tries -= 1
            if tries < 0:
                return None
            if tag.epoch > steps and tag_is_good(one, tag, trip, tag.epoch):
                return tag.epoch - steps
    return _epoch_of_live_key(following, trail)


def _epoch_of_live_key(following: Sequence[bytes], trail: Trail) -> int | None:
    live, opened = trail.live, trail.open_sector
    if live is None or opened is None or type(live.get("epoch")) is not int:
        return None
    for steps, one in enumerate(following):
        if live["epoch"] > steps and live_is_good(one, live, bytes(opened.data), trail.pending or b""):
            return int(live["epoch"]) - steps
    return None
