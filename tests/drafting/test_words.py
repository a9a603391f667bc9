import pytest

from drafting.language import codes, detect, language_of
from drafting.prose import sentences_of, tidy
from drafting.words import folded_words, numbers_allowed_by, numbers_of
from tests.drafting.conftest import load_profile


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,200 or 1.200 or 1 200", {"1200"}),
        ("2.1% and 2,1 %", {"2.1%"}),
        ("$40 or 40+", {"$40", "40+"}),
        ("from 2022-03 to 2022-03-15", {"2022-03", "2022-03-15"}),
        ("p95, B2B, S3 and EC2", set()),
        ("٤٠ and ४०", {"40"}),
        ("9 hours a night to 40 minutes", {"9", "40"}),
    ],
)
def test_numbers_are_read_the_same_however_they_are_written(text, numbers):
    assert numbers_of(text) == numbers


def test_a_restatement_may_drop_a_sign_and_use_a_year():
    assert numbers_allowed_by("40% since 2022-03") == {"40%", "40", "2022-03", "2022"}


def test_names_of_tools_stay_whole():
    assert folded_words("Node.js, C++, C# and CI/CD") == ["node.js", "c++", "c#", "and", "ci", "cd"]


@pytest.mark.parametrize(("profile", "code"), [("complete", "en"), ("swahili", "sw"), ("german", "de")])
def test_it_recognises_the_language_of_a_profile(profile, code):
    texts = [line for job in load_profile(profile)["work"] for line in job["highlights"]]

    assert detect(" ".join([*texts, load_profile(profile)["basics"]["summary"]])) == code


def test_a_text_in_no_supported_language_is_not_guessed():
    assert detect("Kehitin maksujärjestelmän Pythonilla ja Djangolla") is None
    assert detect("") is None


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


def test_sentences_are_split_in_any_script():
    assert sentences_of("One. Two! 三つ。四つ。") == ["One.", "Two!", "三つ。", "四つ。"]
