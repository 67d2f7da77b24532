"""SMP over lines: what is held back, what is bounded, and what a lost connection leaves."""

from celltrail_protocol import cbor, console, smp
from logger.console_link import ConsoleLink

READ = smp.OP_READ


class Wire:
    """Takes at most `room` bytes at a time; `lines` is what came out."""

    def __init__(self):
        self.incoming = b""
        self.lines = []
        self.room = 1000

    def read(self, limit):
        data = self.incoming[:limit]
        self.incoming = self.incoming[limit:]
        return data

    def write(self, data):
        taken = bytes(data[: self.room])
        self.lines.append(taken)
        return len(taken)


class Files:
    """Counts what was given."""

    given = 0


class Server:
    """Answers with its request's sequence; a download gives `size` bytes."""

    def __init__(self, files):
        self.files = files
        self.size = smp.CHUNK
        self.seen = []

    def answer(self, message):
        _, _, _, _, group, sequence, command = smp.parse_header(message)
        self.seen.append(sequence)
        body = b"\xa0"
        if (group, command) == (smp.GROUP_FS, smp.FS_DOWNLOAD):
            self.files.given += self.size
            body = cbor.dumps({"data": bytes(self.size)})
        return smp.pack_header(READ + 1, 1, group, sequence, command, len(body)) + body


def make():
    files = Files()
    wire = Wire()
    link = ConsoleLink(wire, files)
    server = Server(files)
    link.serve(server)
    return wire, link, server


def request(sequence, body=None, group=smp.GROUP_OS, command=smp.OS_ECHO):
    data = cbor.dumps(body or {})
    return b"".join(console.encode(smp.pack_header(READ, 1, group, sequence, command, len(data)) + data))


def download(sequence, ack=None):
    body = {"off": 0, "name": "/trip/1"}
    if ack is not None:
        body["ack"] = ack
    return request(sequence, body, smp.GROUP_FS, smp.FS_DOWNLOAD)


def answered(wire):
    """The sequences of the answers that came out."""
    reader, found = console.Reader(), []
    for line in wire.lines:
        found.extend([smp.parse_header(message)[5] for message in reader.feed(line)])
    return found


def test_answers_what_comes():
    wire, link, _ = make()
    wire.incoming = b"boot text\n" + request(1) + request(2)
    assert not link.poll()
    assert answered(wire) == [1, 2]
    assert (link.messages, link.dropped()) == (2, 0)


def test_waits_when_the_line_is_full():
    wire, link, server = make()
    wire.room = 10
    wire.incoming = request(1) + request(2) + b"\n" * 300 + request(3)
    polls = 0
    while link.poll():
        polls += 1
    assert polls >= 3
    # Answers go out before more is taken in.
    assert answered(wire) == [1, 2, 3]


def test_downloads_that_count_are_held_to_the_bound():
    wire, link, server = make()
    wire.incoming = b"".join([download(i, 0) for i in range(12)])
    while link.poll():
        pass
    assert answered(wire) == list(range(8))
    assert len(link.held) == 4
    wire.incoming = download(12, 2 * smp.CHUNK)
    while link.poll():
        pass
    assert answered(wire) == list(range(10))
    assert len(link.held) == 3


def test_short_answers_count_as_short():
    wire, link, server = make()
    server.size = 10
    wire.incoming = b"".join([download(i, 0) for i in range(30)])
    while link.poll():
        pass
    assert len(answered(wire)) == 30


def test_acknowledging_more_than_was_sent_is_no_acknowledgement():
    wire, link, server = make()
    wire.incoming = download(0, 1 << 40)
    while link.poll():
        pass
    wire.incoming = b"".join([download(i, 0) for i in range(1, 13)])
    while link.poll():
        pass
    assert answered(wire) == list(range(9))


def test_older_count_takes_nothing_back():
    wire, link, server = make()
    wire.incoming = b"".join([download(i, 0) for i in range(12)])
    while link.poll():
        pass
    wire.incoming = download(20, 2 * smp.CHUNK) + download(21, 0)
    while link.poll():
        pass
    assert answered(wire) == list(range(10))


def test_status_starts_the_count_anew_and_lets_go_what_was_held():
    wire, link, server = make()
    wire.incoming = b"".join([download(i, 0) for i in range(10)])
    while link.poll():
        pass
    assert answered(wire) == list(range(8))
    wire.incoming = request(99, {}, smp.GROUP_CELLTRAIL, smp.CMD_STATUS)
    while link.poll():
        pass
    assert answered(wire) == list(range(8)) + [99, 8, 9]
    assert link.held == []


def test_download_without_a_count_is_answered_at_once():
    wire, link, server = make()
    wire.incoming = b"".join([download(i, 0) for i in range(9)]) + download(50) + download(51, -1) + download(52, True)
    while link.poll():
        pass
    assert sorted(answered(wire)) == list(range(8)) + [50, 51, 52]


def test_held_requests_are_bounded():
    wire, link, server = make()
    wire.incoming = b"".join([download(i, 0) for i in range(60)])
    while link.poll():
        pass
    assert len(link.held) == 32


def test_answers_are_made_one_by_one():
    wire, link, server = make()
    wire.room = 0
    wire.incoming = b"".join([download(i, 0) for i in range(8)])
    for _ in range(20):
        assert link.poll()
    # No memory for more than one that nobody takes.
    assert server.seen == [0]


def test_endless_input_leaves_time_for_other_things():
    wire, link, _ = make()

    wire.read = lambda limit: b"\x06\x09garbage" * 20
    for _ in range(3):
        assert link.poll()
    wire.read = lambda limit: b"garbage\n" * 20
    assert link.poll()


def test_broken_messages_are_dropped_and_counted():
    wire, link, _ = make()
    good = request(1)
    wire.incoming = good[:-8] + b"AAAA\n" + b"\x04\x14AAAA\n" + good
    link.poll()
    assert answered(wire) == [1]
    assert link.dropped() == 2


def test_lost_connection_leaves_nothing():
    wire, link, server = make()
    wire.incoming = b"".join([download(i, 0) for i in range(12)]) + b"\x06\x09AA\n" + b"\x06\x09AA"
    while link.poll():
        pass
    dropped = link.dropped()
    assert dropped == 1
    link.connection_lost()
    wire.lines = []
    wire.incoming = download(70, 0) + request(71)
    while link.poll():
        pass
    assert sorted(answered(wire)) == [70, 71]
    assert link.dropped() == dropped
