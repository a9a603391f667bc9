import pytest

from extraction.sections import listed_sections
from extraction.subject import named_employer, named_title
from tests.extraction.pages import POSTINGS


def test_it_reads_the_lists_under_the_usual_headings():
    sections = listed_sections((POSTINGS / "long.txt").read_text())

    assert sections == {
        "responsibilities": [
            "Monitor 63 mini-grids through our SCADA system",
            "Analyse faults and plan repairs with field technicians",
            "Write the monthly reliability report for the regulator",
            "Train two junior operators",
        ],
        "qualifications": [
            "A degree in electrical engineering",
            "At least four years in the operation of power systems",
            "Python or another scripting language",
            "A driving licence, and readiness to travel one week a month",
        ],
    }


@pytest.mark.parametrize(
    "heading",
    [
        "Key Responsibilities:",
        "**Your tasks**",
        "What you\u2019ll do",
        "## Duties",
        "Responsibilities and duties",
    ],
)
def test_it_knows_a_heading_however_it_is_dressed(heading):
    assert listed_sections(f"{heading}\n1. Cook\n2) Clean") == {"responsibilities": ["Cook", "Clean"]}


def test_a_list_ends_with_the_next_line_of_prose():
    text = "Requirements\n- Patience\nWe offer a lot.\n- Free fish"

    assert listed_sections(text) == {"qualifications": ["Patience"]}


def test_a_list_under_any_other_heading_is_left_to_the_model():
    assert listed_sections("Our history\n- Free fish\n\nNews\n- We moved") == {}


def test_a_section_ends_with_the_next_heading_whatever_it_is():
    text = "## Requirements\n- Patience\n## Our history\n- Founded in 1990"

    assert listed_sections(text) == {"qualifications": ["Patience"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ihre Aufgaben\n- Schweißen\nIhr Profil:\n- Erfahrung", (["Schweißen"], ["Erfahrung"])),
        ("仕事内容\n・営業\n応募資格\n・経験者", (["営業"], ["経験者"])),
        ("المهام\n• اللحام\nالمتطلبات\n• الخبرة", (["اللحام"], ["الخبرة"])),
        ("Majukumu\n1. Kuchomelea\nSifa za mwombaji\n1. Uzoefu", (["Kuchomelea"], ["Uzoefu"])),
        ("## What you'll do at Acme\n- Weld\n## Requirements for the role\n- Care", (["Weld"], ["Care"])),
        (
            "Missions\nSouder les cadres\nLire les plans\nProfil\nRigueur\nAutonomie",
            (["Souder les cadres", "Lire les plans"], ["Rigueur", "Autonomie"]),
        ),
    ],
)
def test_it_knows_headings_in_many_languages_and_lists_without_bullets(text, expected):
    found = listed_sections(text)

    assert (found["responsibilities"], found["qualifications"]) == expected


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("We are looking for a Grid Operations Engineer for our control room.", "Grid Operations Engineer"),
        ("Acme is hiring an experienced Head of Sales in Oslo.", "Head of Sales"),
        ("We are seeking a C++ Developer.", "C++ Developer"),
        ("We are looking for a person who cooks.", None),
        ("We are looking for a Cook. We are also looking for a Waiter.", None),
    ],
)
def test_it_reads_the_job_that_is_looked_for(text, title):
    assert named_title(text) == title


@pytest.mark.parametrize(
    ("text", "employer"),
    [
        ("Kijani Energy is looking for a cook.", "Kijani Energy"),
        ("About Kijani Energy\nWe cook.\nKijani Energy is hiring a cook.", "Kijani Energy"),
        ("Our client is looking for a cook.", None),
        ("We seek a cook. About Us\nWe cook.", None),
        ("About The Job", None),
        ("Acme is hiring. Beta Ltd is hiring.", None),
    ],
)
def test_it_reads_the_employer_that_looks(text, employer):
    assert named_employer(text) == employer
