"""The fonts of PDFs: files of Python packages, so that the same draft gives the same PDF on every machine.

Each is OFL-1.1. What no file of ours draws (Armenian, Georgian, signs) is drawn by the fonts within the
compiler.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import typst
from fontTools.ttLib import TTFont

SANS, SERIF = "Noto Sans", "Noto Serif"
# Family → the package that has it and how its file begins. The large ones come last: they are only opened
# for what the others lack.
_FILES = {
    SANS: ("fontpkg_noto_sans", "NotoSans["),
    SERIF: ("fontpkg_noto_serif", "NotoSerif["),
    # Noto's Arabic draws the dots of letters by themselves, which readers of PDFs take for marks.
    "IBM Plex Sans Arabic": ("fontpkg_ibm_plex_sans_arabic", "IBMPlexSansArabic-Regular"),
    "Noto Sans Arabic": ("justmytype_intl_rtl", "NotoSansArabic"),
    "Noto Sans Hebrew": ("justmytype_intl_rtl", "NotoSansHebrew"),
    "Noto Sans Devanagari": ("justmytype_intl_south_asia", "NotoSansDevanagari"),
    "Noto Sans Bengali": ("justmytype_intl_south_asia", "NotoSansBengali"),
    "Noto Sans Tamil": ("justmytype_intl_south_asia", "NotoSansTamil"),
    "Noto Sans Telugu": ("justmytype_intl_south_asia", "NotoSansTelugu"),
    "Noto Sans Thai": ("justmytype_intl_sea", "NotoSansThai"),
    "Noto Sans Lao": ("justmytype_intl_sea", "NotoSansLao"),
    "Noto Sans Khmer": ("justmytype_intl_sea", "NotoSansKhmer"),
    "Noto Sans Myanmar": ("justmytype_intl_sea", "NotoSansMyanmar"),
    "Noto Sans Ethiopic": ("justmytype_intl_africa", "NotoSansEthiopic"),
    "Noto Sans SC": ("justmytype_intl_cjk", "NotoSansSC"),
    "Noto Sans JP": ("justmytype_intl_cjk", "NotoSansJP"),
    "Noto Sans KR": ("justmytype_intl_cjk", "NotoSansKR"),
    "Noto Sans TC": ("justmytype_intl_cjk", "NotoSansTC"),
}
# The same characters are drawn in another way in Japan, Korea and Taiwan; this tells which way is meant.
_MEANT = {
    "HIRAGANA": "Noto Sans JP",
    "KATAKANA": "Noto Sans JP",
    "HANGUL": "Noto Sans KR",
    "BOPOMOFO": "Noto Sans TC",
}
_WITHIN_THE_COMPILER = ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono")
_DRAWN_WITHIN = (
    (0x530, 0x58F), (0x10D0, 0x10FF), (0x2190, 0x2286), (0x2288, 0x22A9), (0x25A0, 0x25FF),
)  # fmt: skip


@cache
def fonts() -> typst.Fonts:
    """What the compiler may use, read once in a process."""
    directories = dict.fromkeys(_directory(package) for package, _ in _FILES.values())
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,
        font_paths=[str(path) for path in directories],
    )


def _directory(package: str) -> Path:
    # Not imported: only its files are used.
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        message = f"The font package {package} is not installed."
        raise ModuleNotFoundError(message, name=package)
    return Path(spec.submodule_search_locations[0])


@cache
def _characters(family: str) -> frozenset[int]:
    package, beginning = _FILES[family]
    path = next(
        path for path in sorted(_directory(package).rglob("*.ttf")) if path.name.startswith(beginning)
    )
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def family_of(char: str) -> str | None:
    """The first family that draws the character; None when there is none."""
    code = ord(char)
    found = next((family for family in _FILES if code in _characters(family)), None)
    if found is None and any(first <= code <= last for first, last in _DRAWN_WITHIN):
        return _WITHIN_THE_COMPILER[0]
    return found


def is_in_our_fonts(char: str) -> bool:
    """Whether a file of ours draws it, and it can be seen or changes what is."""
    return family_of(char) in _FILES and unicodedata.category(char) != "Cf"


def families_for(text: str, first: str) -> list[str]:
    """The families that draw the text, the one to be preferred first: `first`, or where most letters are of a
    script that runs from right to left, that script's."""
    ours = (family for char in text if (family := family_of(char)) in _FILES)
    drawn = Counter(family for family in ours if family not in (SANS, SERIF))
    meant = dict.fromkeys(
        _MEANT[script] for char in text if (script := unicodedata.name(char, "").partition(" ")[0]) in _MEANT
    )
    others = [*meant, *(family for family, _ in drawn.most_common())]
    if is_right_to_left(text):
        others, first = [*others[1:], first], others[0]
    return list(dict.fromkeys([first, *others, SANS, *_WITHIN_THE_COMPILER]))


def is_right_to_left(text: str) -> bool:
    """Whether most of the letters are of a script that runs from right to left."""
    classes = [unicodedata.bidirectional(char) for char in text if char.isalpha()]
    return sum(one in ("R", "AL") for one in classes) * 2 > len(classes)
