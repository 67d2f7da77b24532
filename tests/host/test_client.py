import asyncio

import cbor2
import pytest
from smpclient.requests.os_management import EchoWrite
from smpclient.transport import SMPTransport

from celltrail.errors import DeviceFault, ErrorAnswer, NoAnswer
from celltrail.link.client import Client
from celltrail.link.messages import ChallengeWrite, StatusRead
from celltrail.link.refusals import explain
from celltrail_protocol import console, smp
from tests.host.fake_logger import FakeLogger


class Direct(SMPTransport):
    """A transport without a line: `answers` makes the messages that come back for one that is sent."""

    def __init__(self, answers):
        self.answers = answers
        self.inbox = asyncio.Queue()
        self.sent = 0

    async def send(self, data):
        self.sent += 1
        for message in self.answers(bytes(data)):
            self.inbox.put_nowait(message)

    async def receive(self):
        return await self.inbox.get()

    async def disconnect(self):
        pass


def from_fake(logger):
    lines = console.Reader()
    return lambda message: lines.feed(logger.handle(message))


def answer_with(body, sequence_shift=0):
    """A function that answers every request with the same map."""

    def answers(message):
        op, version, _, _, group, sequence, command = smp.parse_header(message)
        data = cbor2.dumps(body) if not isinstance(body, bytes) else body
        head = smp.pack_header(op + 1, version, group, sequence + sequence_shift, command, len(data))
        return [head + data]

    return answers


def talk(transport_answers, conversation):
    async def run():
        client = Client(Direct(transport_answers), "CT-1")
        try:
            return await conversation(client)
        finally:
            await client.close()

    return asyncio.run(run())


def test_an_answer_is_typed_and_unknown_fields_are_ignored():
    status = talk(from_fake(FakeLogger()), lambda client: client.ask(StatusRead()))
    assert (status.name, status.last, status.world) == ("CT-31A722", (640,), None)
    assert "new_in_2030" not in status.as_map()


def test_answers_find_their_requests_in_any_order():
    held = []

    def reversed_pairs(message):
        _, version, _, _, group, sequence, command = smp.parse_header(message)
        text = cbor2.loads(message[8:])["d"]
        data = cbor2.dumps({"r": text.upper()})
        held.append(smp.pack_header(3, version, group, sequence, command, len(data)) + data)
        return [held.pop(), held.pop()] if len(held) == 2 else []

    async def two(client):
        return await asyncio.gather(client.tell(EchoWrite(d="a")), client.tell(EchoWrite(d="b")))

    one, other = talk(reversed_pairs, two)
    assert (one.r, other.r) == ("A", "B")


def test_reading_is_repeated_after_a_silence():
    logger = FakeLogger()
    answers = from_fake(logger)
    silences = [1, 1]
    transport = lambda message: [] if silences and silences.pop() else answers(message)  # noqa: E731
    status = talk(transport, lambda client: client.ask(StatusRead(), timeout_s=0.05))
    assert status.trip == 7


def test_a_change_is_sent_once():
    sent = []

    async def change(client):
        with pytest.raises(NoAnswer):
            await client.tell(ChallengeWrite(hn=bytes(16)), timeout_s=0.05)

    talk(lambda message: sent.append(message) or [], change)
    assert len(sent) == 1


def test_a_slow_logger_with_much_to_do_is_waited_for():
    """Five answers 0.1 s apart: the last comes after twice the timeout, but never was there silence for so long."""

    async def five(client):
        async def answer_slowly(texts):
            for text, key in texts:
                await asyncio.sleep(0.1)
                sequence, group, command = key
                data = cbor2.dumps({"r": text})
                head = smp.pack_header(3, 1, group, sequence, command, len(data))
                client._transport.inbox.put_nowait(head + data)

        requests = [EchoWrite(d=str(i)) for i in range(5)]
        keys = [(one.d, (one.header.sequence, 0, 0)) for one in requests]
        answers = asyncio.gather(*(client.tell(one, timeout_s=0.25) for one in requests))
        await answer_slowly(keys)
        return await answers

    assert [one.r for one in talk(lambda message: [], five)] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    "answers",
    [
        answer_with({"state": 1}),
        answer_with({}),
        answer_with([1, 2]),
        answer_with(b"\xff\xff"),
        answer_with(b""),
        answer_with({"err": 5, "rc": "x"}),
        answer_with({"err": {"group": 64, "rc": "x"}}),
    ],
)
def test_senseless_answers(answers):
    with pytest.raises(DeviceFault, match="no sense"):
        talk(answers, lambda client: client.ask(StatusRead()))


@pytest.mark.parametrize("noise", [b"", b"short", bytes(8), b"\x01\x00\x00\x05\x00\x40\x00\x00", bytes(700)])
def test_foreign_messages_are_dropped(noise):
    answers = from_fake(FakeLogger())
    assert talk(lambda message: [noise, *answers(message)], lambda client: client.ask(StatusRead())).trip == 7


def test_an_answer_to_another_sequence_is_not_taken():
    with pytest.raises(NoAnswer):
        talk(answer_with({}, 1), lambda client: client.ask(StatusRead(), timeout_s=0.02, tries=2))


def test_refusals_carry_group_and_code():
    with pytest.raises(ErrorAnswer, match="CT-1 .* --discard-unread") as refused:
        talk(answer_with({"err": {"group": 64, "rc": 6}}), lambda client: client.ask(StatusRead()))
    assert (refused.value.group, refused.value.code, refused.value.exit_code) == (64, 6, 4)


@pytest.mark.parametrize(
    ("body", "exit_code"),
    [
        ({"err": {"group": 64, "rc": 1}}, 3),
        ({"err": {"group": 64, "rc": 2}}, 3),
        ({"err": {"group": 64, "rc": 4}}, 4),
        ({"err": {"group": 64, "rc": 99}}, 4),
        ({"err": {"group": 8, "rc": 3}}, 4),
        ({"err": {"group": 0, "rc": 8}}, 4),
        ({"rc": 11}, 4),
    ],
)
def test_exit_codes_of_error_answers(body, exit_code):
    fault = explain("CT-1", 64, body)
    assert fault is not None
    assert fault.exit_code == exit_code
    assert str(fault).startswith("CT-1 ")


def test_rc_0_is_no_error():
    assert explain("CT-1", 0, {"rc": 0}) is None
