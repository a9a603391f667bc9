"""The body of a letter, put together: the model's proven sentences, then code's own, each fact once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from drafting.check.floor.extent import is_plan, negations
from drafting.check.judge import Proof
from drafting.check.reasons import Reason, Refusal, note
from drafting.check.tokens import read
from drafting.checking import Checked
from drafting.facts import Entry, FactSheet, Line, MatchReport, Relevance, readable_language
from drafting.language import Language
from drafting.letter_frame import one_line
from drafting.options import LETTER_TOLERANCE
from drafting.own_words import sentence
from drafting.replies import BRIDGE, LetterReply
from extraction.schema import JobData

_MOST_POINTS = 8
_A_PARAGRAPH = 4
_TIED = 3
_SPARE_TIME = ("project-", "volunteer-")
# With fewer words missing than this, another sentence would only pad.
_SHORTEST = 6


def word_count(text: str) -> int:
    """Words as a word processor counts them: runs of characters between blanks."""
    return len(text.split())


@dataclass(frozen=True, slots=True)
class Sentence:
    """`proof` is a value of `check.judge.Proof`, or "user" for what the user wrote."""

    text: str
    proof: str
    sources: tuple[str, ...] = ()
    kind: str = "evidence"

    @property
    def words(self) -> int:
        return word_count(self.text)


@dataclass(slots=True)
class Block:
    """One paragraph of the body. `points` are lines of the profile, which the last sentence introduces."""

    sentences: list[Sentence]
    points: list[str] = field(default_factory=list)
    point_sources: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def words(self) -> int:
        return word_count(" ".join([self.text, *self.points]))

    @property
    def sources(self) -> list[str]:
        named = [source for one in self.sentences for source in one.sources]
        return list(dict.fromkeys([*named, *self.point_sources]))


class Body:
    """The paragraphs, as they are put together. `around`: words outside of them."""

    def __init__(
        self, facts: FactSheet, job: JobData, report: MatchReport, language: Language, *, around: int
    ) -> None:
        self.blocks: list[Block] = []
        self.notes: list[dict[str, Any]] = []
        self._facts = facts
        self._job = job
        self._report = report
        self._language = language
        self._around = around
        self._profile_language = readable_language(facts.text)
        self._relevance = Relevance.to(job, self._profile_language)
        self._said: set[str] = set()

    def target(self, words: int) -> None:
        self.lowest = round(words * (1 - LETTER_TOLERANCE))
        self.highest = round(words * (1 + LETTER_TOLERANCE))

    @property
    def total(self) -> int:
        return self._around + sum(block.words for block in self.blocks)

    @property
    def _used(self) -> set[str]:
        return {source for block in self.blocks for source in block.sources if "." in source}

    def take(self, reply: LetterReply, checked: Checked) -> None:
        """The model's sentences that have a proof, in its paragraphs, as far as there is room: evidence
        before bridges, each fact once."""
        paragraphs: dict[int, Block] = {}
        for number, written in enumerate(reply.sentences, start=1):
            verdict = checked.proven(f"sentence-{number}")
            if verdict is None:
                continue
            said = verdict.said
            lines = tuple(source for source in said.sources if "." in source)
            told = {source for block in paragraphs.values() for source in block.sources}
            text = one_line(said.text)
            if text.casefold() in self._said or (lines and set(lines) <= told):
                self.notes.append(note(said.id, Refusal(Reason.REPETITION)))
                continue
            one = Sentence(text, str(verdict.proof), said.sources, written.kind)
            if self.total + sum(b.words for b in paragraphs.values()) + one.words > self.highest:
                continue
            self._said.add(text.casefold())
            paragraphs.setdefault(written.paragraph, Block([])).sentences.append(one)
        self.blocks += [paragraphs[number] for number in sorted(paragraphs)]

    def fill(self) -> None:
        """Add code's own sentences until the letter has the words asked for."""
        for entry, lines in self._own_lines():
            if self.total >= self.lowest:
                break
            self._tell(entry, lines)
        self._tell_earned()
        if self.total < self.lowest or not any(s.kind == BRIDGE for b in self.blocks for s in b.sentences):
            self._close()
        if self.total < self.lowest:
            self._list()

    def _own_lines(self) -> Iterator[tuple[Entry, list[Line]]]:
        """Entries with the lines nobody has told yet, the most relevant first, paid work before spare
        time."""
        if self._language.code != self._profile_language:
            return
        groups = []
        for key in ("work", "volunteer", "projects"):
            for entry in self._facts.of(key):
                lines = sorted(entry.highlights or entry.lines, key=self._rank)
                best = max((self._relevance.score(line.text) for line in lines), default=0)
                groups.append((entry.id.startswith(_SPARE_TIME), -best, entry, lines))
        groups.sort(key=lambda group: group[:2])
        for _, _, entry, lines in groups:
            yield entry, [line for line in lines if line.id not in self._used]

    def _rank(self, line: Line) -> tuple[bool, int]:
        """What did not work out, or was somebody else's, is told last."""
        text = read(line.text, self._profile_language)
        return bool(negations(text)) or is_plan(text), -self._relevance.score(line.text)

    def _tell(self, entry: Entry, lines: Sequence[Line]) -> None:
        block = next(
            (one for one in self.blocks if any(s.startswith(f"{entry.id}.") for s in one.sources)), None
        )
        is_new = block is None
        block = block or Block([])
        for line in lines:
            if (
                self.total + (block.words if is_new else 0) >= self.lowest
                or len(block.sentences) >= _A_PARAGRAPH
            ):
                break
            frames = self._language.letter["frames"]
            text = sentence(line.text, entry, self._language.code, frames, number=len(block.sentences))
            if text is None:
                continue
            one = Sentence(text, Proof.OWN_WORDS, (line.id,))
            if self.total + (block.words if is_new else 0) + one.words <= self.highest:
                block.sentences.append(one)
        if is_new and block.sentences:
            self.blocks.append(block)

    def _tell_earned(self) -> None:
        """One sentence on degrees and certificates, if there is room and need for it."""
        used = {source for block in self.blocks for source in block.sources}
        earned = [e for key in ("education", "certificates") for e in self._facts.of(key) if e.title.strip()]
        rest = [entry for entry in earned if entry.id not in used][:_TIED]
        if self.total >= self.lowest or not rest:
            return
        items = "; ".join(one_line(entry.title) for entry in rest)
        text = self._language.letter["earned"].replace("{items}", items)
        one = Sentence(text, Proof.OWN_WORDS, tuple(entry.id for entry in rest))
        if self.total + one.words <= self.highest:
            self.blocks.append(Block([one]))

    def _close(self) -> None:
        """What ties the letter to the posting, and says what the person wishes."""
        block = Block([])
        for text in self._closing_sentences():
            one = Sentence(text, Proof.OWN_WORDS, kind=BRIDGE)
            if self.total + block.words >= self.lowest and block.sentences:
                break
            if self.total + block.words + one.words <= self.highest and text.casefold() not in self._said:
                block.sentences.append(one)
        if block.sentences:
            self.blocks.append(block)

    def _closing_sentences(self) -> Iterator[str]:
        phrases = self._language.letter
        skills = [
            one.text for one in self._report.requirements if one.is_skill and one.text in self._job.skills
        ]
        if skills := skills[:_TIED]:
            yield phrases["tie"]["one" if len(skills) == 1 else "many"].replace(
                "{skills}", self._joined(skills)
            )
        yield from phrases["bridges"]

    def _joined(self, words: list[str]) -> str:
        if len(words) == 1:
            return words[0]
        return f"{', '.join(words[:-1])} {self._language.letter['and']} {words[-1]}"

    def _list(self) -> None:
        """Facts that no sentence tells, as they stand in the profile, under a line that introduces them."""
        lead = Sentence(self._language.letter["facts_lead"], Proof.OWN_WORDS, kind="lead")
        block = Block([lead])
        used = {source for one in self.blocks for source in one.sources}
        for source, text in self._candidates():
            if self.total + block.words >= self.lowest or len(block.points) == _MOST_POINTS:
                break
            if source not in used and self.total + block.words + word_count(text) <= self.highest:
                block.points.append(text)
                block.point_sources.append(source)
        if block.points:
            self.blocks.insert(
                max(len(self.blocks) - 1, 0) if self._ends_in_bridge() else len(self.blocks), block
            )

    def _ends_in_bridge(self) -> bool:
        return bool(self.blocks) and all(one.kind == BRIDGE for one in self.blocks[-1].sentences)

    def _candidates(self) -> Iterator[tuple[str, str]]:
        """What a letter may list: what the person did, where, and what they earned."""
        facts, score = self._facts, self._relevance.score
        lines = [line for key in ("work", "projects", "volunteer") for e in facts.of(key) for line in e.lines]
        done = [(line.id, line.text) for line in lines]
        keys = ("education", "certificates", "awards")
        earned = [(entry.id, entry.title) for key in keys for entry in facts.of(key)]
        for group in (done, earned):
            rows = [(source, one_line(text)) for source, text in group if text.strip()]
            # What somebody was paid for, or has a paper for, never counts for less than a hobby.
            yield from sorted(rows, key=lambda row: -(score(row[1]) + (not row[0].startswith(_SPARE_TIME))))

    def proofs(self) -> Iterator[dict[str, Any]]:
        for number, block in enumerate(self.blocks, start=1):
            for one in block.sentences:
                yield proof_row(f"paragraph-{number}", one.text, one.proof, one.sources)
            for source, text in zip(block.point_sources, block.points, strict=True):
                yield proof_row(f"paragraph-{number}", text, Proof.OWN_WORDS, (source,))


def proof_row(at: str, text: str, proof: str, sources: Sequence[str]) -> dict[str, Any]:
    """One row of a draft's `proofs`: where a sentence stands, and what vouches for it."""
    return {"field": at, "text": text, "proof": str(proof), "sources": list(sources)}
