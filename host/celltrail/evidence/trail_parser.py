"""Find the sections of a `.trail` file, also in a damaged one, and say which bytes are damaged."""

import zlib
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from celltrail.plain_text import printable
from celltrail_protocol.layout import size, unpack
from celltrail_protocol.records import MAGIC_TRAIL, TRAIL_HEADER, TRAIL_SECTION, unpack_checked

# In the order in which they stand.
KNOWN_TAGS = (b"META", b"SECT", b"OPEN", b"PEND", b"LIVE", b"SIGN", b"DONE")
ONCE_TAGS = (b"META", b"OPEN", b"PEND", b"LIVE", b"SIGN", b"DONE")
_TRAIL_VERSION = 1
_HEAD = size(TRAIL_SECTION)
_FIRST = size(TRAIL_HEADER)
_CHECK_SIZE = 4
# A crafted file may hold many false tags; after so many wrong guesses the rest counts as lost.
_MOST_GUESSES = 64
# One section for each two sectors of the largest file, and some.
_MOST_SECTIONS = 10_000


@dataclass(frozen=True)
class Damage:
    """A damaged place: the section, the bytes of the file [start, end), and one clause for people.

    `cut`: the file ends too early, and nothing else is wrong here.
    """

    text: str
    section: str
    start: int
    end: int
    cut: bool = False

    @property
    def line(self) -> str:
        """With the bytes that it is about."""
        return self.text if self.cut else f"{self.text} (bytes {self.start} to {max(self.start, self.end - 1)})"


@dataclass(frozen=True)
class Section:
    """One section: its payload is the bytes [start, end) of the file; `cut`: the file ends within it."""

    tag: bytes
    start: int
    end: int
    cut: bool = False

    @property
    def name(self) -> str:
        """The tag as text; four bytes are enough to clear a terminal."""
        return printable(self.tag.decode("ascii", "replace"))

    @property
    def head(self) -> int:
        """Where its head begins."""
        return self.start - _HEAD

    def damage(self, what: str) -> Damage:
        """This section is damaged: "section SECT <what>"."""
        return Damage(f"section {self.name} {what}", self.name, self.head, self.end)


def parse_sections(data: bytes) -> tuple[list[Section], list[Damage]] | None:
    """All sections that can be found, and the damage; None when the file is something else."""
    damage: list[Damage] = []
    if not _check_header(data, damage):
        return None
    sections: list[Section] = []
    at = _FIRST
    guesses = [_MOST_GUESSES]
    for _ in range(_MOST_SECTIONS):
        if at >= len(data):
            break
        section, at = _next_section(data, at, damage, guesses)
        if section is not None:
            sections.append(section)
        elif sections and sections[-1].tag == b"DONE":
            damage.append(Damage("bytes follow after the end (section DONE)", "DONE", sections[-1].end, at))
        elif sections and sections[-1].tag == b"SIGN" and not any(entry.cut for entry in damage):
            text = "a section follows the signature, which doesn't cover it"
            damage.append(Damage(text, "SIGN", sections[-1].end, at))
    if at < len(data):
        damage.append(Damage(f"there are more than {_MOST_SECTIONS} sections", "", at, len(data)))
    _check_order(data, sections, damage)
    return sections, damage


def _check_header(data: bytes, damage: list[Damage]) -> bool:
    """Whether this is a `.trail` file at all; a damaged header is forgiven when a section follows it."""
    header = unpack_checked(TRAIL_HEADER, data, 0, MAGIC_TRAIL)
    if header is None:
        if len(data) < _FIRST and MAGIC_TRAIL.startswith(data[: len(MAGIC_TRAIL)]):
            text = f"the file is cut off at byte {len(data)}, in its header"
            damage.append(Damage(text, "header", 0, len(data), True))
            return True
        if _sound_section(data, _FIRST) is None:
            return False
        damage.append(Damage("the file's header is damaged", "header", 0, _FIRST))
    elif header[1] != _TRAIL_VERSION:
        text = f"the file is of version {header[1]}, which this program can't read"
        damage.append(Damage(text, "header", 0, _FIRST))
    return True


def _stored_check(data: bytes, at: int) -> int:
    return int(unpack(TRAIL_SECTION, data, at)[2])


def _fits(data: bytes, at: int) -> Section | None:
    """The section that the head at `at` announces, if the file is long enough for it."""
    if at + _HEAD > len(data):
        return None
    tag, length, _ = unpack(TRAIL_SECTION, data, at)
    section = Section(tag, at + _HEAD, at + _HEAD + length)
    return section if section.end <= len(data) else None


def _is_sound(data: bytes, section: Section) -> bool:
    at = section.head
    view = memoryview(data)
    check = zlib.crc32(view[section.start : section.end], zlib.crc32(view[at : section.start - _CHECK_SIZE]))
    return check == _stored_check(data, at)


def _sound_section(data: bytes, at: int) -> Section | None:
    section = _fits(data, at)
    return section if section is not None and _is_sound(data, section) else None


def _next_section(data: bytes, at: int, damage: list[Damage], guesses: list[int]) -> tuple[Section | None, int]:
    """The section at `at` and where the next one begins; after damage, from the next sound section on."""
    section = _fits(data, at)
    if section is not None and _is_sound(data, section):
        return _known(section, damage), section.end
    if section is not None and _starts_section(data, section.end):
        damage.append(section.damage("is damaged"))
        return (section if section.tag in KNOWN_TAGS else None), section.end
    return _resync(data, at, damage, guesses)


def _known(section: Section, damage: list[Damage]) -> Section | None:
    """Skip what isn't known; a section whose name begins with a capital must be known."""
    if section.tag in KNOWN_TAGS:
        return section
    if section.tag[:1].isupper() or not section.tag[:1].islower():
        damage.append(section.damage("is of a kind that this program can't read"))
    return None


def _starts_section(data: bytes, at: int) -> bool:
    """Whether the file ends at `at` or a sound section begins there."""
    return at == len(data) or _sound_section(data, at) is not None


def _resync(data: bytes, at: int, damage: list[Damage], guesses: list[int]) -> tuple[Section | None, int]:
    """The head at `at` can't be trusted: what lies before the next sound section is taken as its payload."""
    following = _search_sound(data, at + 1, guesses)
    end = len(data) if following is None else following
    tag = data[at : at + len(KNOWN_TAGS[0])]
    section = Section(tag if tag in KNOWN_TAGS else b"????", min(at + _HEAD, end), end, following is None)
    if following is None:
        text = f"the file is cut off at byte {len(data)}, in section {section.name} that begins at byte {at}"
    else:
        text = f"section {section.name} is damaged in its head"
    damage.append(Damage(text, section.name, at, end, following is None))
    return (section if tag in KNOWN_TAGS else None), end


def _search_sound(data: bytes, at: int, guesses: list[int]) -> int | None:
    candidates = [data.find(tag, at) for tag in KNOWN_TAGS]
    while guesses[0] > 0 and any(place >= 0 for place in candidates):
        nearest = min(place for place in candidates if place >= 0)
        guesses[0] -= 1
        if _sound_section(data, nearest) is not None:
            return nearest
        candidates = [
            data.find(tag, nearest + 1) if place == nearest else place
            for tag, place in zip(KNOWN_TAGS, candidates, strict=True)
        ]
    return None


def _check_order(data: bytes, sections: list[Section], damage: list[Damage]) -> None:
    """META first, DONE last and right, all in their order, and what may stand once not twice."""
    tags = [section.tag for section in sections]
    is_cut = any(entry.cut for entry in damage)
    # A file that ends before its first section is cut off, no more.
    if tags[:1] != [b"META"] and (tags or (damage and not is_cut)):
        text = "the read-out record (section META) is not at the file's beginning"
        damage.append(Damage(text, "META", _FIRST, _FIRST))
    for tag in ONCE_TAGS:
        if tags.count(tag) > 1:
            damage.append(sections[tags.index(tag)].damage("stands there more than once"))
    for before, section in pairwise(sections):
        if KNOWN_TAGS.index(section.tag) < KNOWN_TAGS.index(before.tag):
            damage.append(section.damage(f"stands behind section {before.name}, out of order"))
    if not tags or tags[-1] != b"DONE":
        if not is_cut:
            text = f"the file is cut off at byte {len(data)}: its end (section DONE) is missing"
            damage.append(Damage(text, "DONE", len(data), len(data), True))
        return
    done = sections[-1]
    # After any other damage it can't fit.
    if not damage and sha256(data[: done.head]).digest() != data[done.start : done.end]:
        damage.append(done.damage("holds a digest that doesn't fit the file"))
