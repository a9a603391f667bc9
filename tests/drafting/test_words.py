import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
import snowballstemmer

from drafting.check import lemmas
from drafting.check.lemmas import keys
from drafting.check.quantities import quantities_of
from drafting.check.tokens import read
from drafting.check.years import years_of
from drafting.language import codes, detect, language_of
from drafting.replies import tidy
from tests.drafting.conftest import load_profile


@pytest.mark.parametrize(
    ("language", "text", "values"),
    [
        ("en", "1,200 or 1.200 or 1 200", [(1200, ""), (1200, ""), (1200, "")]),
        ("en", "2.1% and 2,1 %", [(Fraction("2.1"), "percent")] * 2),
        ("en", "$40, 35 minutes and twenty-five services", [(40, "money"), (35, "minute"), (25, "")]),
        ("en", "p95, B2B, S3 and EC2", []),
        ("de", "fünfunddreißig Minuten, zwei Dutzend", [(35, "minute"), (2, ""), (12, "")]),
        ("es", "treinta y cinco mesas", [(35, "")]),
        ("sw", "siku kumi na nne hadi siku tano", [(14, "day"), (5, "day")]),
        ("en", "halved and twofold", [(Fraction(1, 2), ""), (2, "")]),
    ],
)
def test_numbers_are_read_the_same_however_they_are_written(language, text, values):
    assert [(one.value, one.unit) for one in quantities_of(read(text, language))] == values


def test_a_number_knows_what_it_counts_and_whether_it_is_a_limit():
    patients, week = quantities_of(read("Up to 18 surgical patients a shift, over 3 times", "en"))

    assert [token.folded for token in patients.counted] == ["surgical", "patients"]
    assert (patients.limit, week.limit) == ("bound", "more")


def test_years_are_no_quantities():
    text = read("Since 2019, until 2022-03, for 2000 customers", "en")

    assert [(year.value, year.month, year.is_since) for year in years_of(text)] == [
        (2019, 0, True),
        (2022, 3, False),
    ]
    assert [one.value for one in quantities_of(text)] == [2000]


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "built", "building"),
        ("en", "managing", "management"),
        ("de", "leitete", "geleitet"),
        ("fr", "dirigée", "diriger"),
        ("es", "reduje", "redujo"),
        ("pt", "preparei", "preparava"),
        ("sw", "nilijenga", "kujenga"),
        ("sw", "niliongoza", "aliongoza"),
    ],
)
def test_forms_of_a_word_share_a_key(language, one, other):
    assert keys(one, language) & keys(other, language)


def test_names_of_tools_stay_whole():
    assert [token.folded for token in read("Node.js, C++, C# and CI/CD", "en").tokens] == [
        "node.js", "c++", "c#", "and", "ci", "cd",
    ]  # fmt: skip


@pytest.mark.parametrize(("profile", "code"), [("complete", "en"), ("swahili", "sw"), ("german", "de")])
def test_it_recognises_the_language_of_a_profile(profile, code):
    texts = [line for job in load_profile(profile)["work"] for line in job["highlights"]]

    assert detect(" ".join([*texts, load_profile(profile)["basics"]["summary"]])) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Kehitin maksujärjestelmän Pythonilla ja Djangolla", "fi"),
        ("Infermiera con dieci anni di esperienza nel pronto soccorso", "it"),
        ("Enfermeira com dez anos de experiência em urgências", "pt"),
        ("Senior Software Engineer (m/w/d). Du entwickelst Services in Python und arbeitest im Team.", "de"),
        ("Built REST APIs in Python for the booking team. Cut hosting costs by 40%.", "en"),
        ("Niliandaa hesabu za mwaka za vyama 32 vya wakulima wa kahawa", "sw"),
        ("", None),
        ("12.5 %", None),
    ],
)
def test_a_language_is_told_from_its_neighbours(text, code):
    assert detect(text) == code


@pytest.mark.parametrize("code", codes())
def test_every_language_has_every_phrase(code):
    english, language = language_of("en"), language_of(code)

    assert language.headings.keys() == english.headings.keys()
    assert language.letter.keys() == english.letter.keys()
    for tone in ("formal", "friendly", "confident"):
        assert {"both", "title", "company"} == language.letter["opening"][tone].keys()
        assert "{title}" in language.letter["opening"][tone]["both"]
        assert "{company}" in language.letter["opening"][tone]["both"]
        assert language.letter["closing"][tone]
        assert language.letter["sign_off"][tone]


def test_prose_is_tidied():
    assert tidy("- **Built** the `API`\n") == "Built the API"
    assert tidy("“Built it.”") == "Built it."
    assert tidy("1. Built\x00 it") == "Built it"


STARTS = ("manag", "organis", "develop", "relat", "nation", "conduct", "operat", "train")
WORDS = [start + end for start in STARTS for end in ("ing", "ement", "ational", "ers", "ed", "ization")]


@pytest.fixture
def impatient_threads():
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def stems_that_several_threads_find():
    def find(_reader):
        try:
            return [keys.__wrapped__(word, "en") for word in WORDS]
        except (AssertionError, IndexError):
            # The stemmer stands where another word was longer.
            return []

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(find, range(64)))


def test_drafts_read_in_several_threads_keep_their_own_stems(impatient_threads):
    alone = [keys.__wrapped__(word, "en") for word in WORDS]

    assert all(found == alone for found in stems_that_several_threads_find())


def test_a_stemmer_for_all_would_mix_the_words(impatient_threads, monkeypatch):
    alone = [keys.__wrapped__(word, "en") for word in WORDS]
    shared = snowballstemmer.stemmer("english")
    monkeypatch.setattr(lemmas, "_stemmer", lambda language: shared)

    # Which words meet is chance; that none ever do is not.
    assert any(any(found != alone for found in stems_that_several_threads_find()) for _attempt in range(50))
