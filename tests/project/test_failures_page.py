"""docs/failures.md says what the code does: its table is the one in `providers.errors`."""

from pathlib import Path

from orchestration import errors
from providers.errors import MEANINGS

PAGE = Path(__file__).parents[2] / "docs" / "failures.md"

RETRY_HERE = {
    "no": "no",
    "once": "once",
    "once_without": "at once without it, and remembered for the model",
    "once_told": "once, with the error told",
    "if_wait_is_short": "if Retry-After is short",
}
NEXT_CONFIG = {
    "yes": "yes",
    "one_other": "one other",
    "larger_window": "of a larger window only",
    "larger_request": "one that takes more only",
    "per_task": "a setting of the task",
}
BREAKER = {
    "none": "nothing",
    "counts": "counts",
    "cools": "open for Retry-After",
    "opens_model": "opens for the model",
    "opens_config": "opens for all its models",
}
COST = {
    "nothing": "nothing",
    "if_unanswered": "the estimate, if nothing came back",
    "estimate": "what was reported, else the estimate",
}
CALLERS = {
    refused.code: f"{refused.status} `{refused.code}`"
    for refused in vars(errors).values()
    if isinstance(refused, type) and issubclass(refused, errors.DomainError)
}
HEAD = (
    "| the vendor says | kind | asked again here | another provider "
    "| breaker | flags the provider | caller | costs |"
)


def flags(flag):
    if flag is None:
        return "no"
    return "yes" if flag.after == 1 else f"after {flag.after} {flag.counted} in a row"


def caller(meaning):
    blames = {"no": "", "yes": "", "with_another": ", once two or all refuse it"}
    return CALLERS[meaning.caller] + blames[meaning.blames_input]


def line_of(kind, meaning):
    cells = [
        meaning.says,
        f"`{kind}`",
        RETRY_HERE[meaning.retry_here],
        NEXT_CONFIG[meaning.next_config],
        BREAKER[meaning.breaker],
        flags(meaning.flag),
        caller(meaning),
        COST[meaning.cost],
    ]
    return f"| {' | '.join(cells)} |"


def test_the_table_of_the_page_is_the_table_of_the_code():
    shown = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]

    start = shown.index(HEAD) + 2
    assert shown[start : start + len(MEANINGS)] == [line_of(*row) for row in MEANINGS.items()]


def test_what_an_operator_is_told_in_the_console_stands_on_the_page():
    page = PAGE.read_text()

    for kind, meaning in MEANINGS.items():
        assert f"| `{kind}` | {meaning.message} |" in page
        if meaning.flag:
            assert f"| `{kind}` | {meaning.flag.label} | {meaning.flag.what} {meaning.flag.to_do} |" in page


def test_every_kind_has_a_sentence_of_its_own_and_a_caller_that_exists():
    assert len({meaning.message for meaning in MEANINGS.values()}) == len(MEANINGS)
    assert {meaning.caller for meaning in MEANINGS.values()} <= CALLERS.keys()
