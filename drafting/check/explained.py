"""The words of a text that numbers, dates and languages of its sources account for."""

from __future__ import annotations

from drafting.check.evidence import Evidence
from drafting.check.floor.dates import durations_of
from drafting.check.floor.languages import language_code
from drafting.check.quantities import is_rate, quantities_of
from drafting.check.tokens import Text
from drafting.check.years import years_of

# Of what stands there one may say "certificate" or "degree".
PAPERS = ("certificates", "education")


def explained(text: Text, evidence: Evidence) -> frozenset[int]:
    """The tokens that numbers, durations, years and languages account for."""
    given = {(one.value, one.unit) for source in evidence.near for one in quantities_of(source)}
    found: set[int] = set()
    for one in quantities_of(text):
        if (one.value, one.unit) in given or one.is_ratio:
            found |= one.tokens
    for one in durations_of(text, evidence):
        found |= one.tokens
    found |= {one.index for year in years_of(text) for one in (year.token, year.named) if one}
    units = {
        source.grammar.units[token.folded]
        for source in evidence.near
        for token in source.tokens
        if token.folded in source.grammar.units
    }
    limits = {word for phrase in (*text.grammar.bounds, *text.grammar.more) for word in phrase.split()}
    is_dated = bool(evidence.periods or years_of(text))
    papers = any(entry.section.key in PAPERS for entry in evidence.entries)
    for token in text.tokens:
        unit = text.grammar.units.get(token.folded)
        code = language_code(token.folded, text.language)
        if (
            token.folded in limits
            or token.folded in text.grammar.negations
            or unit in units
            or (is_dated and unit in ("year", "month") and not is_rate(token, text))
            or (papers and token.has_class("paper"))
            or (code and any(language_code(t.folded) == code for s in evidence.all for t in s.tokens))
        ):
            found.add(token.index)
    return frozenset(found)
