"""The host dies, and the disk fails, at every write of a download; the same command then goes on."""

import contextlib
import errno
import os
from unittest import mock

import pytest

from celltrail.errors import UsageFault
from celltrail.operate import part_file, written
from celltrail.operate.part_file import PartFile, read_part
from tests.host.download_bench import TRIPS, in_peace

# What changes something on the disk, beside writing to an open file.
CALLS = ("fsync", "chmod", "link", "rename", "replace", "unlink")
STRIDE = 1 if os.environ.get("CELLTRAIL_EVERY_CUT") else 397


class Killed(BaseException):
    """The process is gone: from here on it can't do anything, not even clean up."""


class Disk:
    """Counts what is done to the disk. `fault` is called with the number of each and may raise.

    A write that is refused is carried out up to its half before.
    """

    def __init__(self, fault=lambda number: None):
        self.calls = 0
        self._fault = fault
        self._write = part_file._write_all
        self._patches = contextlib.ExitStack()

    def __enter__(self):
        self._patches.enter_context(mock.patch.object(part_file, "_write_all", self._write_some))
        for name in CALLS:
            self._patches.enter_context(mock.patch.object(os, name, self._wrap(getattr(os, name))))
        return self

    def __exit__(self, *_):
        self._patches.close()

    def _write_some(self, file, data):
        self.calls += 1
        try:
            self._fault(self.calls)
        except BaseException:
            if not file.closed:
                self._write(file, data[: len(data) // 2])
            raise
        self._write(file, data)

    def _wrap(self, honest):
        def call(*args, **kwargs):
            self.calls += 1
            self._fault(self.calls)
            return honest(*args, **kwargs)

        return call


def dies_at(last):
    """From this call on nothing happens any more."""

    def fault(number):
        if number >= last:
            raise Killed

    return fault


def fails_at(which, code):
    """One call fails."""

    def fault(number):
        if number == which:
            raise OSError(code, os.strerror(code))

    return fault


def beside(path):
    return path.with_name(path.name + ".part")


def kept_in(path):
    """Bytes in the part file beside; 0 without one, or with one that was cut short in its header."""
    return read_part(beside(path)).pieces.size if beside(path).exists() and beside(path).stat().st_size >= 24 else 0


def goes_on(bench, path, expected, word):
    """The same command finishes; nothing is asked for that was kept, nothing is left lying around."""
    kept = kept_in(path)
    outcome, trail = bench.read(path)
    assert bench.content(trail) == expected
    assert outcome.verdict.word == word
    assert outcome.acknowledged
    assert outcome.reused_bytes == kept
    if outcome.read_bytes:
        all_bytes = sum(len(one.data) for one in trail.sectors) + len(trail.pending or b"")
        assert outcome.read_bytes == all_bytes - kept
    assert sorted(os.listdir(bench.folder)) == ["0.trail", "1.trail", "keys", path.name]
    path.unlink()


def steps(made, path):
    """How often a download touches the disk."""
    with Disk() as disk:
        made.read(path)
    path.unlink()
    return disk.calls


@pytest.mark.parametrize("kind", TRIPS)
def test_the_host_dies_at_any_step(bench, kind):
    made, expected, _ = in_peace(bench, kind)
    path = made.folder / "t.trail"
    count = steps(made, path)
    assert count > 15
    for last in range(1, count + 1):
        with Disk(dies_at(last)), pytest.raises(Killed):
            made.read(path)
        goes_on(made, path, expected, TRIPS[kind][1])


def fault_of(made, path, fault):
    """The line that a user sees; empty when the download went well."""
    try:
        with Disk(fault):
            made.read(path)
    except UsageFault as seen:
        return str(seen)
    return ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("kind", TRIPS)
def test_the_disk_fails_at_any_step(bench, kind, code):
    made, expected, _ = in_peace(bench, kind)
    path = made.folder / "t.trail"
    faults = 0
    for which in range(1, steps(made, path) + 1):
        line = fault_of(made, path, fails_at(which, code))
        if line:
            faults += 1
            # The key store, which remembers what was read, comes when the file is in its place.
            assert "t.trail" in line or (path.exists() and "keys" in line)
            assert "\n" not in line
            goes_on(made, path, expected, TRIPS[kind][1])
        else:
            # It found another way.
            assert sorted(os.listdir(made.folder)) == ["0.trail", "1.trail", "keys", "t.trail"]
            path.unlink()
    assert faults > 10


@pytest.mark.parametrize("kind", TRIPS)
def test_the_part_file_was_torn_at_any_byte(bench, kind):
    made, expected, _ = in_peace(bench, kind)
    path = made.folder / "t.trail"
    with mock.patch.object(written, "write_atomic", side_effect=UsageFault("full")), pytest.raises(UsageFault):
        made.read(path)
    whole = beside(path).read_bytes()
    assert kept_in(path) >= 2 * 4096
    for length in [*range(40), *range(40, len(whole), STRIDE)]:
        beside(path).write_bytes(whole[:length])
        goes_on(made, path, expected, TRIPS[kind][1])


def test_the_disk_fills_at_any_byte_of_the_final_file(bench, tmp_path):
    made, expected, _ = in_peace(bench, "running")
    path = made.folder / "t.trail"
    size = (made.folder / "1.trail").stat().st_size
    honest = os.fdopen
    for room in range(0, size, STRIDE):

        class Small:
            def __init__(self, handle, mode):
                self._file = honest(handle, mode)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self._file.close()

            def write(self, data):
                self._file.write(data[:room])  # noqa: B023
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with mock.patch.object(os, "fdopen", Small), pytest.raises(UsageFault, match="disk is full.*stays in"):
            made.read(path)
        assert kept_in(path) == 2 * 4096
        goes_on(made, path, expected, "recording")


def test_two_downloads_of_one_trip_into_one_file(bench):
    made, expected, logger = in_peace(bench, "running")
    path = made.folder / "t.trail"
    with PartFile(beside(path), logger.app.board.uid, logger.trip) as part:
        part.keep(0, bytes(100))
        before = beside(path).read_bytes()
        with pytest.raises(UsageFault, match="another download is writing it"):
            made.read(path)
        assert beside(path).read_bytes() == before
    beside(path).unlink()
    goes_on(made, path, expected, "recording")


def test_what_was_complete_is_not_read_again(bench):
    made, expected, logger = in_peace(bench, "stopped")
    path = made.folder / "t.trail"
    with Disk(dies_at(steps(made, path))), pytest.raises(Killed):
        made.read(path)
    assert path.exists()
    digest = path.read_bytes()
    logger.forget_the_link()
    outcome, _ = made.read(path)
    assert (outcome.read_bytes, outcome.acknowledged, outcome.sectors) == (0, True, 3)
    assert path.read_bytes() == digest
    assert logger.asked == []


def test_another_file_in_the_place_is_no_reason_to_finish(bench):
    made, _, _ = in_peace(bench, "stopped")
    path = made.folder / "t.trail"
    with Disk(dies_at(steps(made, path))), pytest.raises(Killed):
        made.read(path)
    path.write_bytes((made.folder / "0.trail").read_bytes())
    with pytest.raises(UsageFault, match="exists already"):
        made.read(path)
    assert kept_in(path) == 3 * 4096
