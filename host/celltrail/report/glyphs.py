"""Which characters the fonts of the PDF can show; others stand as their number, for PDF/A allows no missing letter."""

import re
import unicodedata

# Tried with Libertinus Serif and DejaVu Sans Mono: Latin, Greek, Cyrillic, Hebrew, Arabic, punctuation, symbols.
SHOWN = (
    (0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x2FF), (0x38E, 0x3A1), (0x3A3, 0x482), (0x488, 0x4FF), (0x5D0, 0x5EA),
    (0x621, 0x63A), (0x640, 0x64A), (0x660, 0x66D), (0x1E00, 0x1F15), (0x200B, 0x200B), (0x2010, 0x2027),
    (0x202F, 0x2040), (0x2044, 0x2052), (0x2068, 0x2069), (0x2074, 0x208E), (0x20A0, 0x20BF), (0x2122, 0x2122),
    (0x2190, 0x23FF), (0x2460, 0x262F), (0xFFFD, 0xFFFD),
)  # fmt: skip
_OTHERS = re.compile("[^\n" + "".join(f"{chr(first)}-{chr(last)}".replace("]", r"\]") for first, last in SHOWN) + "]")


def settable(text: str) -> str:
    """The text with [U+4E2D] for each character that no font has."""
    if text.isascii():
        return text
    return _OTHERS.sub(lambda found: f"[U+{ord(found[0]):04X}]", unicodedata.normalize("NFC", text))
