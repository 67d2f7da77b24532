"""Reports of the five trips: what they say, that they say it safely, and that they stay as they were reviewed."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import html_rules
import pypdfium2
import pytest
from report_trips import TRIPS

from celltrail.cli.main import run
from celltrail.evaluate.evaluation import evaluate, evaluate_file
from celltrail.evaluate.rules import rules_as_armed
from celltrail.evidence.record import Mark
from celltrail.keys.keystore import KeyStore
from celltrail.plans.judging import Fragility
from celltrail.report import page
from celltrail.report.build import report_of
from celltrail.report.html import html_text
from celltrail.report.pdf import pdf_bytes
from celltrail.report.words import LANGUAGES
from celltrail_protocol import codes

GOLDEN = Path(__file__).parent / "golden"
MADE_UTC_MS = 1_749_081_600_000
KIND = {"clean": "good", "excursions": "bad", "undecidable": "open", "gap": "open", "altered": "bad"}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """The evaluation of a trip, made once."""
    known = {}

    def made(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            keys = KeyStore(folder / "keys")
            path = folder / f"{name}.trail"
            path.write_bytes(TRIPS[name](folder, keys))
            known[name] = evaluate_file(path, keys)
        return known[name]

    return made


@pytest.fixture(scope="module")
def report(evaluated):
    def made(name, language="en", **how):
        return report_of(evaluated(name), language, MADE_UTC_MS, **how)

    return made


def text_lines(report):
    """Everything that a report says, a line for each thing, as a renderer gets it."""

    def cell(one):
        return one if isinstance(one, str) else one.text

    def block(one):
        if isinstance(one, page.Paragraph):
            return [cell(one.text)]
        if isinstance(one, page.Points):
            return [f"* {cell(entry)}" for entry in one.entries]
        if isinstance(one, page.Facts):
            return [f"{name} = {cell(value)}" for name, value in one.rows]
        if isinstance(one, page.Table):
            rows = [[column.title for column in one.columns], *one.rows]
            return [f"[{one.caption}]", *(" | ".join(map(cell, row)) for row in rows)]
        words = re.findall(r"<text[^>]*>([^<]*)</text>", one.wide)
        return [f"[picture] {one.caption} {one.text}", "  " + " | ".join(words)]

    lines = [report.title, report.subtitle, f"{report.labels[report.kind]} | {report.answer}"]
    lines += [f"* {cell(point)}" for point in report.points]
    for one in report.first:
        lines += block(one)
    for section in report.sections:
        lines += ["", f"## {section.heading}"]
        for one in section.blocks:
            lines += block(one)
    return [*lines, "", report.footer]


def squeezed(text):
    """Without what a renderer may do to lines."""
    return re.sub(r"[\s\u00ad\u200b\ufffe\u2068\u2069-]+", "", text)


def page_text(markup):
    """What a page shows, without its pictures."""
    root, _ = html_rules.read(re.sub(r"<svg.*?</svg>", "", markup, flags=re.DOTALL))
    return root.all("body")[0].text()


def pdf_text(data):
    document = pypdfium2.PdfDocument(data)
    return "\n".join(one.get_textpage().get_text_range() for one in document)


def texts_of(report):
    """All cells and headings, without the marks of `text_lines`."""
    for line in text_lines(report):
        if line.startswith("  "):
            continue
        for part in re.split(r" \| | = ", line.removeprefix("* ").removeprefix("## ").removeprefix("[picture] ")):
            yield part.removeprefix("[").removesuffix("]") if line.startswith("[") else part


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TRIPS)
def test_the_text_is_the_reviewed_one(name, language, report):
    """A person has read it. A new one lies in build/golden, to be read before it takes the old one's place."""
    text = "\n".join(text_lines(report(name, language))) + "\n"
    known = GOLDEN / f"report-{name}-{language}.txt"
    if not known.exists() or known.read_text(encoding="utf-8") != text:
        new = Path("build/golden") / known.name
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text, encoding="utf-8")
        pytest.fail(f"{known} is not what is said now; read the difference to {new}")


WHOLE = "The record is complete and untouched, from arming to the end."
ANSWERS = {
    "clean": f"All 5 limits were kept. {WHOLE}",
    "excursions": f"2 of 5 limits were NOT kept. {WHOLE}",
    "undecidable": f"For 2 of 5 limits nobody can tell whether they were kept. {WHOLE}",
    "gap": f"For 5 of 5 limits nobody can tell whether they were kept. {WHOLE}",
    "altered": "The record was ALTERED: do not rely on it. 2 of 5 limits were NOT kept.",
}


@pytest.mark.parametrize("name", TRIPS)
def test_the_answer(name, report):
    made = report(name)
    assert (made.kind, made.answer) == (KIND[name], ANSWERS[name])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TRIPS)
def test_the_page_keeps_the_rules_of_accessible_html(name, language, report):
    assert html_rules.problems_of(html_text(report(name, language))) == []


@pytest.mark.parametrize("name", TRIPS)
def test_the_page_says_all_that_the_report_says(name, report):
    made = report(name, "nl")
    shown = squeezed(page_text(html_text(made)))
    assert [text for text in texts_of(made) if squeezed(text) not in shown] == []


@pytest.mark.parametrize(("name", "language"), [*zip(TRIPS, ("en", "fr", "nl", "fr", "en"), strict=True)])
def test_the_pdf_says_all_that_the_report_says(name, language, report):
    made = report(name, language, on_paper=True)
    data = pdf_bytes(made)
    shown = squeezed(pdf_text(data))
    assert [text for text in texts_of(made) if squeezed(text) not in shown] == []
    metadata = re.search(rb"<x:xmpmeta.*?</x:xmpmeta>", data, re.DOTALL)
    assert metadata is not None
    assert b"<pdfaid:part>2</pdfaid:part>" in metadata[0]
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in metadata[0]
    assert data == pdf_bytes(made)


# What a record, a read-out or a profile may say of itself.
HOSTILE = [
    "<script>alert(1)</script>",
    "</title></svg><b onload=x>&amp; \"'",
    '#strong[paid] $x$ *bold* _it_ `raw` @ref <label> \\u{41} // /* #read("/etc/passwd")',
    "{{ 7 * 7 }} {% raw %}",
    "\u202egnitirw\u202c \x00\x07\x1b[31m\r\n\u2028 e" + "\u0301" * 40,
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\u6f22\u5b57 \U0001f600 \ue000",
]


def edges(data):
    """How far from the left and right edges of its page the outermost letters are, in points, page by page."""
    for sheet in pypdfium2.PdfDocument(data):
        letters = sheet.get_textpage()
        boxes = [letters.get_charbox(at) for at in range(letters.count_chars())]
        yield min(box[0] for box in boxes), sheet.get_width() - max(box[2] for box in boxes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_table_runs_over_the_edge_of_the_paper(language, report):
    for left, right in edges(pdf_bytes(report("excursions", language, on_paper=True))):
        assert left > 40
        assert right > 40


@pytest.mark.parametrize(
    ("g", "m_s", "verdict", "answer", "told"),
    [
        (
            80,
            4,
            "out",
            "3 of 6 limits were NOT kept.",
            "13 shocks went BEYOND the product's damage boundary (80 g and 4 m/s",
        ),
        (
            117,
            6,
            "out",
            "3 of 6 limits were NOT kept.",
            "1 shock went BEYOND the product's damage boundary (117 g and 6 m/s",
        ),
        (119, 6, "undecidable", "2 of 6 limits were NOT kept.", "Nobody can tell whether a shock went beyond"),
        (
            200,
            9,
            "in",
            "2 of 6 limits were NOT kept.",
            "No shock went beyond the product's damage boundary (200 g and 9",
        ),
    ],
)
def test_the_damage_boundary_is_a_limit_like_others(g, m_s, verdict, answer, told, evaluated):
    checked = evaluated("excursions").checked
    rules = rules_as_armed(checked.record)
    fragility = Fragility(Decimal(g), Decimal(m_s))
    made = evaluate(checked, replace(rules, judging=replace(rules.judging, fragility=fragility)))
    shown = report_of(made, "en", MADE_UTC_MS)
    assert made.damage.verdict == verdict
    assert shown.answer.startswith(answer)
    # On the first page, and again where the shocks are.
    assert sum(line.lstrip("* ").startswith(told) for line in text_lines(shown)) == 2
    picture = next(line for line in text_lines(shown) if line.startswith("[picture] Each shock"))
    assert "against the product's damage boundary" in picture


def test_what_limits_the_figures_of_a_shock_is_told(evaluated):
    made = evaluated("excursions")
    one = made.shocks[0]
    drop = replace(one.drop, method="fall", lowest_m=0.4, highest_m=0.4, at_least=False)
    lying = replace(one.orientation, state="resting", up="-z", tilt_deg=12.4)
    doubted = replace(one, remarks=("clipped",), under_read=0.2, drop=drop, orientation=lying)
    lines = text_lines(report_of(replace(made, shocks=(doubted, *made.shocks[1:])), "en", MADE_UTC_MS))
    row = next(line for line in lines if line.startswith("0 | 2\u00a0Jun\u00a02025 08:36:00"))
    assert "| \u2265\u00a050.0 |" in row
    assert "| \u2212z 12\u00b0 |" in row
    assert "| 0.40 | clipped: the peak was higher, fall seen, short for 800 Hz: up to 20\u00a0% missed" in row


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text, evaluated):
    made = evaluated("clean")
    record = made.checked.record
    mark = Mark(record.marks[0].at, codes.MARK_FREE, 0, 0, text, text, text)
    evil = replace(record, marks=(mark, *record.marks), name=text, plan={**record.plan, "profile": text})
    trail = replace(made.checked.trail, meta={**made.checked.trail.meta, "operator": text, "host": text})
    changed = replace(
        made, checked=replace(made.checked, record=evil, trail=trail), rules=replace(made.rules, name=text)
    )
    paper = report_of(changed, "en", MADE_UTC_MS, on_paper=True)
    markup = html_text(report_of(changed, "en", MADE_UTC_MS))
    assert html_rules.problems_of(markup) == []
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066\u2067\ud800-\udfff]", markup)
    shown = pdf_text(pdf_bytes(paper))
    if text.isascii():
        assert squeezed(text) in squeezed(page_text(markup))
        assert squeezed(text) in squeezed(shown)
    assert "\u0301" * 3 not in markup


def test_a_letter_that_no_font_has_stands_as_its_number(evaluated):
    made = evaluated("clean")
    named = replace(made, rules=replace(made.rules, name="\u6f22"))
    assert "[U+6F22]" in pdf_text(pdf_bytes(report_of(named, "en", MADE_UTC_MS, on_paper=True)))


@pytest.mark.parametrize(("points", "told"), [("[[0, 0.25]]", "0.250 K"), ("[[0, 1], [10, 12.5]]", "1.000 to 2.500 K")])
def test_the_correction_is_told_as_it_was_applied(points, told, evaluated, tmp_path, capsys):
    path = tmp_path / "cal.toml"
    path.write_text(
        f'[[channel]]\nnumber = 0\ncertificate = "K"\ndate = "2025-01-01"\nuncertainty_c = 0.1\npoints = {points}\n'
    )
    trail = evaluated("clean").checked.trail.path
    made = evaluate_file(trail, KeyStore(trail.parent / "keys"), calibrations=path)
    said = [line.replace("\u00a0", " ") for line in text_lines(report_of(made, "en", MADE_UTC_MS))]
    assert f"Correction applied | {told}" in said
    keys = ("--keys", str(trail.parent / "keys"))
    assert run(["evaluate", str(trail), "--json", "--calibration", str(path), *keys]) == 0
    within = json.loads(capsys.readouterr().out)["channels"][0]["uncertainty"]
    assert within["offset_c"] == (0.25 if "to" not in told else None)
    assert within["points_c"] == json.loads(points)


@pytest.mark.parametrize("suffix", ["html", "pdf"])
def test_the_command_writes_a_file_and_tells_the_answer(suffix, evaluated, tmp_path, capsys):
    checked = evaluated("excursions").checked
    out = tmp_path / f"trip.{suffix}"
    keys = checked.trail.path.parent / "keys"
    assert run(["report", str(checked.trail.path), "-o", str(out), "--lang", "fr", "--keys", str(keys)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2 des 5 limites" in captured.err
    assert out.read_bytes().startswith({"html": b"<!DOCTYPE html>", "pdf": b"%PDF-1.7"}[suffix])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "trip.docx"], "a report is a .html or a .pdf file"),
        (["-o", "trip.html", "--lang", "de"], "there is no report in 'de'; choose one of en, nl, fr"),
        (["-o", "trip.html", "--profile", "none"], "no such profile"),
    ],
)
def test_what_the_command_refuses(words, told, evaluated, tmp_path, monkeypatch, capsys):
    path = evaluated("clean").checked.trail.path
    monkeypatch.chdir(tmp_path)
    assert run(["report", str(path), *words, "--keys", str(path.parent / "keys")]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_file_itself_is_never_overwritten(evaluated, tmp_path, capsys):
    data = evaluated("clean").checked.trail.path.read_bytes()
    trail = tmp_path / "trip.html"
    trail.write_bytes(data)
    (tmp_path / "keys").mkdir(mode=0o700)
    assert run(["report", str(trail), "-o", str(trail), "--keys", str(tmp_path / "keys")]) == 2
    assert trail.read_bytes() == data


def test_a_trip_without_readings_and_without_clock_has_a_report_too(tmp_path):
    from celltrail.evidence.trail import write_trail
    from tests.host.forge import Forge, box_series

    bare, dark = Forge(), Forge()
    bare.arm()
    dark.begin()
    dark.readings(0, box_series(400))
    dark.mark(codes.MARK_STORED, "LEJ")
    for name, forge in (("bare", bare), ("dark", dark)):
        path = tmp_path / f"{name}.trail"
        write_trail(path, forge.running_parts())
        (tmp_path / "keys").mkdir(mode=0o700, exist_ok=True)
        made = report_of(evaluate_file(path, KeyStore(tmp_path / "keys")), "en", MADE_UTC_MS)
        assert html_rules.problems_of(html_text(made)) == []
        assert pdf_bytes(made).startswith(b"%PDF")
