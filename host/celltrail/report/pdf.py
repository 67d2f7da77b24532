"""A report as PDF/A, set by Typst from the same content; its fonts come with it, and nothing is fetched."""

import json
import tempfile
from dataclasses import is_dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

import typst

from celltrail.files import write_atomic
from celltrail.report.glyphs import settable
from celltrail.report.page import Report

# PDF/A-2a: an archive format whose text is tagged, so that it can be read aloud and copied.
STANDARD: Final = "a-2a"


def write_pdf(report: Report, path: Path, source: Path) -> None:
    """Write the document; `source` is the file that must not be overwritten. UsageFault."""
    write_atomic(path, pdf_bytes(report), source=source)


def pdf_bytes(report: Report) -> bytes:
    """The whole document."""
    template = resources.files("celltrail.report") / "templates" / "report.typ"
    # A root of its own, so that the template can't read anything else.
    with tempfile.TemporaryDirectory(prefix="celltrail-") as root:
        compiler = typst.Compiler(
            template.read_bytes(),
            root=root,
            ignore_system_fonts=True,
            sys_inputs={"report": json.dumps(_plain(report))},
        )
        made = compiler.compile(
            format="pdf",
            pdf_standards=STANDARD,
            timestamp=datetime.fromtimestamp(report.made_utc_ms // 1000, UTC),
        )
    assert isinstance(made, bytes)
    return made


def _plain(value: Any) -> Any:
    """JSON values; a block also says what it is."""
    if is_dataclass(value) and not isinstance(value, type):
        shallow = {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
        return {"kind": type(value).__name__.lower()} | shallow
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return settable(value) if isinstance(value, str) else value
