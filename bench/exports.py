"""`python -m bench.exports`: every template in every script, as files, read back by programs that read CVs.

Each profile of the corpus and a letter of it, in each template, on A4 and US Letter, by pypdf and (where it
is installed) poppler; DOCX by python-docx, plain text as it is; then CVs cut and lengthened by lot.
`--pictures DIRECTORY` draws what docs/exports.md shows. The last line is JSON: documents, fields, and the
share of the fields that were read, in their order.
"""

from __future__ import annotations

import os
import random
import sys
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import io
import json

from PIL import Image

from bench.exports_corpus import MADE_AT, cv, letter, profile, scripts
from bench.read_back import Count, docx_text, pdf_readers, read_back, reading_orders
from drafting.exports import Look, Paper, Template
from drafting.exports.docx import docx_of
from drafting.exports.layout import layout_of
from drafting.exports.pdf import pdf_of, pictures_of
from drafting.exports.plain_text import plain_text_of
from drafting.models import Draft

Table = dict[tuple[str, str, str], Count]
_SHOWN = ("latin", "arabic", "japanese")
_PPI = 62
_VARIED = 60
_LEFT_OUT = 0.25
_GAP = 12


def main() -> None:
    if "--pictures" in sys.argv:
        draw(Path(sys.argv[sys.argv.index("--pictures") + 1]))
        return
    table: Table = defaultdict(Count)
    documents = sum(measure(script, table) for script in scripts()) + measure_varied(table)
    columns = list(dict.fromkeys((template, reader) for _, template, reader in table))
    print(f"{'fields read back in order, %':28}" + "".join(f"{f'{one} {two}':>24}" for one, two in columns))
    for script in (*scripts(), "varied"):
        shares = "".join(f"{100 * table[script, *column].share:24.2f}" for column in columns)
        print(f"{script:28}{shares}")
    for key, count in table.items():
        for missed in count.missed:
            print(f"not read: {' '.join(key)}: {missed}")
    total = sum(table.values(), Count())
    print(json.dumps({"documents": documents, "fields": total.fields, "read_back": round(total.share, 5)}))


def varied(number: int) -> Draft:
    """A CV of the corpus with sections left out, entries repeated and lines cut by lot, always the same."""
    lot = random.Random(number)
    resume = profile(lot.choice(scripts()))
    for key in [key for key in resume if key != "basics" and lot.random() < _LEFT_OUT]:
        del resume[key]
    for key in sorted(resume.keys() - {"basics"}):
        resume[key] = (resume[key] * lot.choice((1, 1, 2, 3)))[: lot.choice((1, 2, 4, 9))]
    for job in resume.get("work", []):
        job["highlights"] = (job["highlights"] * 3)[: lot.choice((0, 1, 3, 6))]
    return cv(resume)


def measure_varied(table: Table) -> int:
    for number in range(_VARIED):
        for template in Template:
            _measure_pdf(varied(number), Look(template, list(Paper)[number % 2]), "varied", table)
    return _VARIED * len(Template)


def _measure_pdf(draft: Draft, look: Look, row: str, table: Table) -> None:
    layout = layout_of(draft, look.template)
    pdf = pdf_of(layout, look, title="CV", made_at=MADE_AT)
    for reader, text_of in pdf_readers().items():
        count = read_back(text_of(pdf.data), reading_orders(layout, look.template))
        table[row, look.template, reader] += count


def measure(script: str, table: Table) -> int:
    """Read back all documents of a script; returns how many there were."""
    documents = 0
    for draft in (cv(profile(script)), letter(profile(script))):
        for look in (Look(template, paper) for template in Template for paper in Paper):
            _measure_pdf(draft, look, script, table)
            documents += 1
        layout = layout_of(draft)
        docx = docx_of(layout, Paper.A4, title="CV", made_at=MADE_AT)
        for name, text in (("docx", docx_text(docx)), ("txt", plain_text_of(layout))):
            documents += 1
            table[script, name, ""] += read_back(text, reading_orders(layout, None))
    return documents


def draw(directory: Path) -> None:
    """A picture for each template: the first page of three CVs, and a letter."""
    for template in Template:
        drafts = [*(cv(profile(script)) for script in _SHOWN), letter(profile(_SHOWN[0]))]
        pages = [
            Image.open(io.BytesIO(pictures_of(layout_of(draft, template), Look(template), ppi=_PPI)[0]))
            for draft in drafts
        ]
        sheet = Image.new(
            "RGB", (sum(page.width + _GAP for page in pages), pages[0].height + _GAP), "#9aa3ad"
        )
        for place, page in enumerate(pages):
            sheet.paste(page, (place * (page.width + _GAP) + _GAP // 2, _GAP // 2))
        sheet.quantize(96).save(directory / f"export-{template}.png", optimize=True)


if __name__ == "__main__":
    main()
