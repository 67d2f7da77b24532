"""The languages of reports: nothing is missing or left over, and numbers and dates are those of the language."""

import ast
import re
from pathlib import Path

import pytest

import celltrail
from celltrail.evaluate.flights import LANDING, TAKE_OFF
from celltrail.evaluate.inferring import HANDLED, RESTED
from celltrail.evidence import causes, verdict
from celltrail.report.glyphs import SHOWN, settable
from celltrail.report.words import LANGUAGES, fields_of, words_of
from celltrail.sentence import Length, Number, Second, Sentence, Utc, joined
from celltrail_protocol import names

PACKAGE = Path(celltrail.__file__).parent
KEY = re.compile(r"[a-z-]+(\.[a-z0-9_-]+)+")
NOON = 1_748_865_600_000
# Groups whose keys are put together from words of the format or of the program.
_GROUPS = (
    "answer.record audit cannot cause clock damage end excursions figures finding flag flags how label legs limits mark"
    " marks measured month outage outages outcome point reading reason record reset settings shock shocks signed source"
    " start unit verdict what"
)
MADE = (*(f"{group}." for group in _GROUPS.split()), "plot.count", "leg.record")


def calls(function, folder=PACKAGE):
    """All calls of a name in the package, as syntax."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                yield node


def literals(node):
    """The texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return [*literals(node.body), *literals(node.orelse)] if isinstance(node, ast.IfExp) else []


def own_table(language):
    return {key: text for key, text in words_of(language).table.items() if not key.startswith("sentence.")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_fields(language):
    known, mine = own_table("en"), own_table(language)
    assert known.keys() == mine.keys()
    assert [key for key in known if fields_of(known[key]) != fields_of(mine[key])] == []
    assert [key for key, text in mine.items() if not text.strip() and key != "number.group"] == []


def test_every_key_that_the_program_names_is_there():
    named = {text for node in calls("say", PACKAGE / "report") for text in literals(node.args[0])}
    table = own_table("en")
    missing = {key for key in named if key not in table and f"{key}.one" not in table}
    assert missing == set()
    assert len(named) > 60


def test_no_text_is_left_over():
    source = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "report").rglob("*.py"))
    spelled = set(KEY.findall(source)) | {match[0] for match in KEY.finditer(source)}
    left = [key for key in own_table("en") if "." in key and not key.startswith(MADE)]
    assert [key for key in left if key not in spelled and key.rpartition(".")[0] not in spelled] == []


def words_of_the_format():
    tables = (names.STATE_NAMES, names.REASON_NAMES, names.RESET_NAMES, names.FAULT_NAMES, names.SOURCE_NAMES)
    tables += (names.MARK_NAMES, names.OUTCOME_NAMES)
    tables += (names.RADIO_STATE_NAMES, names.ASK_NAMES, names.FLIGHT_NAMES, names.TEST_NAMES)
    words = {word for table in tables for word in table.values() if word}
    return words | set(verdict.EXIT_CODES)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_sentence_of_the_program_has_its_translation(language):
    known = {key.removeprefix("sentence.") for key in words_of(language).table if key.startswith("sentence.")}
    templates = {text for node in calls("Sentence") for text in literals(node.args[0])}
    worded = {one for one in templates if re.search(r"[^\W\d_]", re.sub(r"{\w+}", "", one))}
    assert (worded | words_of_the_format()) - known == set()
    for template in known:
        text = words_of(language).table[f"sentence.{template}"]
        assert fields_of(text) == fields_of(template), template


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_format_has_a_word_of_the_language(language):
    table = words_of(language).table
    wanted = {f"cause.{one.name}" for one in causes.ALL}
    wanted |= {f"mark.{word}" for word in names.MARK_NAMES.values()}
    for group, table_of in (("reset", names.RESET_NAMES), ("outage", names.GAP_NAMES), ("end", names.REASON_NAMES)):
        wanted |= {f"{group}.{word.replace(' ', '-')}" for word in table_of.values()}
    wanted |= {f"answer.record.{word.replace(' ', '-')}" for word in verdict.EXIT_CODES}
    wanted |= {f"what.{word}" for word in names.COMMAND_NAMES.values()} - {
        f"what.{word}" for word in ("status", "challenge", "live", "check")
    }
    wanted |= {f"mark.{word}" for word in (HANDLED, RESTED, TAKE_OFF, LANDING)}
    assert wanted - table.keys() == set()


@pytest.mark.parametrize(
    ("language", "number", "whole", "span", "time"),
    [
        ("en", "\u22121.50", "7,194", "1\u00a0d 2\u00a0h", "2\u00a0Jun\u00a02025 12:00\u00a0UTC"),
        ("nl", "\u22121,50", "7.194", "1\u00a0d 2\u00a0u", "2\u00a0jun\u00a02025 12:00\u00a0UTC"),
        ("fr", "\u22121,50", "7\u00a0194", "1\u00a0j 2\u00a0h", "2\u00a0juin\u00a02025 12:00\u00a0UTC"),
    ],
)
def test_numbers_and_dates_are_those_of_the_language(language, number, whole, span, time):
    words = words_of(language)
    assert words.number(-1.499999) == number
    assert words.whole(7194) == whole
    assert words.span(93_600) == span
    assert words.utc(NOON) == time
    assert words.number(-0.001) == words.number(0.0)


def test_bounds_are_rounded_up_and_never_down():
    words = words_of("en")
    assert [words.bound(ms) for ms in (20, 999.2, 1001, 61_000.5, 3_660_001)] == [
        "\u00b120\u00a0ms",
        "\u00b11\u00a0s",
        "\u00b12\u00a0s",
        "\u00b11\u00a0min 2\u00a0s",
        "\u00b11\u00a0h 2\u00a0min",
    ]
    assert words.within(0.301) == "\u00b10.31"
    assert words.within(0.3) == "\u00b10.30"


def test_a_sentence_is_its_english_text_and_can_be_said_otherwise():
    limit = Sentence("channel {channel} at or above {limit} degC", channel=0, limit=Number("7.5"))
    text = joined(
        [Sentence("{limit} for {delay} in all", limit=limit, delay=Length(3_600_000)), Sentence("the whole trip")]
    )
    assert text == "channel 0 at or above 7.5 degC for 1 h in all; the whole trip"
    assert (
        words_of("nl").said(text) == "kanaal 0 op of boven 7,5\u00a0\u00b0C gedurende 1\u00a0u in totaal; de hele reis"
    )
    assert words_of("fr").said("the whole trip") is None
    assert f"{Utc(NOON)} {Second(NOON)}" == "2025-06-02 12:00 UTC 2025-06-02 12:00:00 UTC"
    assert words_of("fr").said(Sentence("trip {trip}", trip="\u202e1")) == "trajet \ufffd1"


def test_letters_that_no_font_has_become_their_number_and_others_stay():
    inside = "".join(chr(code) for first, last in SHOWN for code in (first, last) if code not in (0x20,))
    assert settable(inside.replace("\u0344", "")) != ""
    assert settable("\u00e9 \u2068\u05e9\u2069 \u6f22\n") == "\u00e9 \u2068\u05e9\u2069 [U+6F22]\n"
