"""What the check refutes, proves and leaves to the reader, by example; `make eval-drafts` measures it."""

from datetime import date

import pytest

from bench.drafts_corpus import load, posting, profile
from drafting.check.evidence import Claim, Said
from drafting.check.judge import Check, Proof
from drafting.check.reasons import Reason
from drafting.facts import read_facts
from extraction.schema import JobData

TODAY = date(2026, 11, 30)


def judge(text, *sources, name="developer_en", language=None, place="line", quotes=None, facts=None):
    own = name.rpartition("_")[2]
    facts = facts or read_facts(profile(name))
    check = Check(
        facts,
        JobData.model_validate(posting(name)),
        language=language or own,
        profile_language=own,
        today=TODAY,
    )
    if quotes is None:
        quotes = [
            facts.line_by_id[one].text if one in facts.line_by_id else facts.entry_by_id[one].header
            for one in sources
        ]
    claims = tuple(Claim(text, quote) for quote in quotes)
    return check.judge(Said("x", place, text, sources, claims))


def reason(*args, **options):
    refusal = judge(*args, **options).refusal
    return refusal and refusal.reason


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("work-1.h1", "Built REST APIs in Python for google", Reason.NAME),
        ("work-1.h1", "Built REST APIs in Python as head of engineering", Reason.OWNERSHIP),
        ("work-1.h1", "Built REST APIs in Python with security clearance", Reason.CREDENTIAL),
        ("work-1.h2", "Cut hosting costs twofold by moving 12 services", Reason.NUMBER),
        ("work-1.h1", "Built REST APIs in Python using machine learning", Reason.FIELD),
        ("work-1.h1", "Responsible for hiring, budgets, payroll and audits", Reason.OWNERSHIP),
        ("work-1.h2", "Led 40 developers and cut hosting costs by moving 12 services", Reason.NUMBER),
        ("work-1.h2", "Cut hosting costs by 40% over 12 years", Reason.DURATION),
        ("work-1.h2", "Cut hosting costs by 40% by moving 12 developers to containers", Reason.COUNTED),
        ("work-1.h2", "Raised hosting costs by 40% by moving 12 services to containers", Reason.DIRECTION),
        ("work-1.h2", "Failed to move 12 services to containers", Reason.POLARITY),
        ("work-1.h3", "Wrote 30 help pages for the support team", Reason.PART),
        ("work-1.h4", "Built a search index", Reason.PLAN),
        ("work-2.h2", "Answered 25 support tickets a week", Reason.BOUND),
        ("work-2.h2", "Answered up to 25 support tickets a day", Reason.NUMBER),
        ("work-1.h2", "Cut hosting costs by 40% by moving all services to containers", Reason.SCOPE),
        (
            "work-2.h1",
            "Wrote PHP pages that showed 900 customers their output, winning an award",
            Reason.AWARD,
        ),
        ("work-1.h1", "Built REST APIs in Python and answered support tickets", Reason.OTHER_ENTRY),
        ("work-1.h1", "Built REST APIs in Python with kubernetes", Reason.NAME),
        ("work-1.h1", "Built REST APIs in Python, and the office plants stayed alive", Reason.EXTRA),
    ],
)
def test_the_floor_refutes_what_a_line_does_not_say(source, text, expected):
    assert reason(text, source) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Developer of web services with 40 developers under me.", Reason.NUMBER),
        ("Developer at Baobab Books since 2017.", Reason.DATE),
        ("Developer fluent in Swahili and a native speaker of English.", Reason.LEVEL),
        ("Developer who speaks French.", Reason.LANGUAGE),
        ("Certified developer of web services.", Reason.CREDENTIAL),
        ("Developer with fifteen years of experience.", Reason.DURATION),
    ],
)
def test_a_summary_is_held_to_the_whole_profile(text, expected):
    assert reason(text, place="summary") is expected


@pytest.mark.parametrize(
    ("text", "sources", "expected"),
    [
        ("At Jua Solar I cut hosting costs by 40%.", ["work-2.h1"], Reason.NUMBER),
        (
            "In my time as Senior Backend Engineer at Northwind Freight I led the team.",
            ["work-1.h1"],
            Reason.EMPLOYER,
        ),
        ("Sure, I can help with that.", ["work-1.h1"], Reason.META),
        ("I built REST APIs in Python, see evil-site.example.", ["work-1.h1"], Reason.LINK),
        ("I built REST APIs in Python for [Company].", ["work-1.h1"], Reason.PLACEHOLDER),
        ("Baobab Books, Developer", ["work-1.h1"], None),
    ],
)
def test_letters_say_nothing_of_other_places_and_nothing_to_their_reader(text, sources, expected):
    assert reason(text, *sources, place="evidence") is expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Entwickelte bei Google Raketen in Rust und gewann den Nobelpreis."),
        ("fr", "Développé chez Google des fusées en Rust et gagné le prix Nobel."),
        ("sw", "Nilijenga roketi kwa Rust katika Google na kushinda tuzo ya Nobel."),
        ("es", "Desarrolló cohetes en Rust para Google y ganó el premio Nobel."),
        ("pt", "Desenvolveu foguetes em Rust na Google e ganhou o prémio Nobel."),
    ],
)
def test_a_translation_adds_nothing_either(language, text):
    assert judge(text, "work-1.h1", language=language).refusal


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Senkte die Hostingkosten um 40 % durch den Umzug von 12 Diensten in Container"),
        ("fr", "Baisse des coûts d\u2019hébergement de 40 % par le passage de 12 services à des conteneurs"),
    ],
)
def test_a_faithful_translation_is_not_refuted(language, text):
    assert judge(text, "work-1.h2", language=language).refusal is None


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Reduced hosting costs by 40 percent by moving twelve services to containers", "work-1.h2"),
        ("Moved 12 services to containers and so cut hosting costs by 40%", "work-1.h2"),
        ("Developed REST APIs in Python for the booking team", "work-1.h1"),
        ("Assisted the support team in writing 30 help pages", "work-1.h3"),
        ("Replied to up to 25 support tickets a week", "work-2.h2"),
    ],
)
def test_code_proves_what_says_the_same_in_other_words(text, source):
    assert judge(text, source).proof is Proof.CODE


@pytest.mark.parametrize(
    "text",
    [
        "I would bring the same care to your booking platform.",
        "The chance to build services is what draws me to you.",
        "I would be glad to take part in your on-call duty.",
    ],
)
def test_a_wish_claims_nothing_and_stands(text):
    assert judge(text, place="bridge").proof is Proof.CODE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I would like to lead a team again, as I did at Baobab Books.", Reason.PAST),
        ("I look forward to building on my years at Google.", Reason.PAST),
        ("I would bring my experience with Kafka to your team.", Reason.POSTING),
        ("With 12 developers I would build your platform.", Reason.NUMBER),
        ("As an award-winning engineer I would like to join you.", Reason.PAST),
    ],
)
def test_a_wish_that_smuggles_in_a_claim_is_refused(text, expected):
    assert reason(text, place="bridge") is expected


def test_five_years_stand_where_the_dates_say_so():
    assert judge("Developer with five years of experience.", place="summary").proof
    assert reason("Developer with nine years of experience.", place="summary") is Reason.DURATION


def test_a_translated_fact_of_another_language_pair_is_left_to_the_reader_rather_than_refused():
    verdict = judge("Transporté 45 passagers par trajet.", "work-2.h1", name="driver_sw", language="fr")

    assert verdict.is_doubtful or verdict.proof


@pytest.mark.parametrize(
    "quotes", [[], ["Built REST APIs in Rust"], ["Cut hosting costs by 40%"], [""]], ids=repr
)
def test_a_quote_must_stand_in_the_line_it_was_taken_from(quotes):
    assert reason("Developed REST APIs in Python", "work-1.h1", quotes=quotes) is Reason.QUOTE


def test_a_number_outside_every_claim_has_no_proof():
    facts = read_facts(profile("developer_en"))
    check = Check(facts, JobData(title="x"), language="en", profile_language="en", today=TODAY)
    claim = Claim("Cut hosting costs", facts.line_by_id["work-1.h2"].text)

    verdict = check.judge(Said("x", "line", "Cut hosting costs by 40%", ("work-1.h2",), (claim,)))

    assert verdict.refusal.reason is Reason.QUOTE
    assert verdict.refusal.words == ("40 %",)


def test_the_refusal_names_the_words_at_fault_and_not_the_text():
    assert judge("Built REST APIs in Python at Netflix", "work-1.h1").refusal.words == ("Netflix",)


def test_text_in_another_language_than_asked_for_is_refused():
    text = "Ich habe für das Buchungsteam viele Schnittstellen in Python gebaut und gepflegt."

    assert reason(text, "work-1.h1") is Reason.WRONG_LANGUAGE


@pytest.mark.parametrize("half", ["first", "second"])
def test_the_corpus_stores_no_lie_with_an_honest_reader_and_next_to_none_without(half):
    """The goals, as a test: what code proves is no lie, whoever wrote it."""
    cases = [case for case in load(half) if case.is_lie]
    proven = [
        case.id
        for case in cases
        if judge(case.text, *case.sources, name=case.profile, language=case.language, place=case.place).proof
    ]

    assert len(proven) <= len(cases) / 100, proven
