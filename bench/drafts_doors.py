"""The corpus of lies and honest texts through every door that a draft comes in by.

A writer that says what the corpus says stands behind the real SDK; the reader knows the labels. Each text is
in a CV or a letter that is streamed, done by a worker alone, done by workers with many others, and edited by
its person and then written anew, section by section. What of it stands in the stored draft is counted.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.test import AsyncClient, override_settings

from accounts.concurrency import in_database_thread, run
from accounts.models import Plan, User
from accounts.tokens import issue_pair
from bench.drafts_corpus import Case, posting, profile
from drafting.facts import PROFILE_SUMMARY, FactSheet, read_facts
from drafting.models import Draft
from drafting.replies import tidy
from drafting.sections import sections_of
from orchestration.batches.work import work_off
from orchestration.models import BatchItem
from providers.models import AIProviderConfig
from sandbox.outcomes import Faults
from sandbox.server import Sandbox
from sandbox.wire import Answer, Json, WireRequest
from tests.sandbox import running_sandbox

URLS = {"cv": "/api/v1/cv-drafter", "cover_letter": "/api/v1/cover-letter"}
VERBS = {"cv": "draft", "cover_letter": "generate"}
MINE = "This sentence is the person's own."
_MOST_TEXTS = 8
_TAG = re.compile(r"\[draft (\d+)\]")
_SENTENCE = re.compile(r'<sentence id="(?P<id>[^"]+)"[^>]*>\n(?P<text>[^\n]*)')


@dataclass(slots=True)
class Script:
    """One draft, and what its writer says."""

    number: int
    kind: str
    cases: list[Case] = field(default_factory=list)

    @property
    def body(self) -> Json:
        """What a client sends. The writer knows the draft by the posting's title."""
        name = self.cases[0].profile
        job = posting(name)
        title = f"{job['title']} [draft {self.number}]"
        body = {
            "job_data": job | {"title": title},
            "master_profile": profile(name),
            "language": self.cases[0].language,
        }
        pinned = [case.sources[0] for case in self.cases if case.place == "line" and "." in case.sources[0]]
        return body | ({"pinned": pinned} if self.kind == "cv" else {})

    def has_room_for(self, case: Case) -> bool:
        if len(self.cases) >= _MOST_TEXTS:
            return False
        places = [(other.place, other.sources) for other in self.cases]
        return self.kind == "cover_letter" or (case.place, case.sources) not in places


def scripts_of(cases: Iterable[Case]) -> list[Script]:
    """So many drafts that each text is in one: a CV has one text for a line, and one summary."""
    found: list[Script] = []
    open_ones: dict[tuple[str, str, str], list[Script]] = defaultdict(list)
    for case in cases:
        kind = "cv" if case.place in ("line", "summary") else "cover_letter"
        mine = open_ones[case.profile, case.language, kind]
        script = next((one for one in mine if one.has_room_for(case)), None)
        if script is None:
            script = Script(len(found), kind)
            found.append(script)
            mine.append(script)
        script.cases.append(case)
    return found


class Teller(Sandbox):
    """The vendor of both: a writer that says what is in the corpus, a reader that knows its labels."""

    def __init__(self, scripts: list[Script]) -> None:
        super().__init__()
        self._scripts = scripts
        self._honest = {tidy(case.text) for script in scripts for case in script.cases if not case.is_lie}

    def _said(self, asked: WireRequest, faults: Faults) -> Answer:
        said = super()._said(asked, faults)
        fields = frozenset((asked.schema or {}).get("properties", {}))
        if fields == {"verdicts"}:
            return _with(said, {"verdicts": list(self._verdicts(asked.prompt))})
        tag = _TAG.search(asked.prompt)
        if fields == {"texts"} or tag is None:
            # Nothing better comes to its mind.
            return _with(said, {"texts": []}) if fields == {"texts"} else said
        script = self._scripts[int(tag[1])]
        return _with(said, _cv(script) if fields == {"summary", "keep", "lines"} else _letter(script))

    def _verdicts(self, prompt: str) -> Iterator[Json]:
        for match in _SENTENCE.finditer(prompt):
            is_honest = tidy(match["text"]) in self._honest
            yield {"id": match["id"], "supported": is_honest, "unsupported": [], "claims_past": not is_honest}


def _with(said: Answer, reply: Json) -> Answer:
    return Answer(
        text=json.dumps(reply, ensure_ascii=False), finish="stop", usage=said.usage, exact=said.exact
    )


def _cv(script: Script) -> Json:
    lines = [case for case in script.cases if case.place == "line"]
    return {
        "summary": next((case.text for case in script.cases if case.place == "summary"), ""),
        "keep": [case.sources[0] for case in lines],
        "lines": [{"source": case.sources[0], "text": case.text, "claims": _claims(case)} for case in lines],
    }


def _letter(script: Script) -> Json:
    return {
        "sentences": [
            {
                "kind": "bridge" if case.place == "bridge" else "evidence",
                "paragraph": 1 + number // 3,
                "text": case.text,
                "sources": list(case.sources),
                "claims": _claims(case),
            }
            for number, case in enumerate(script.cases)
        ]
    }


def _claims(case: Case) -> list[Json]:
    """The most that a liar can bring: all of the text, by the whole of each line."""
    facts = read_facts(profile(case.profile))
    return [
        {"words": case.text, "quote": quote} for source in case.sources if (quote := text_of(source, facts))
    ]


def text_of(source: str, facts: FactSheet) -> str:
    """What a fact says, by its id."""
    if source == PROFILE_SUMMARY:
        return facts.summary
    if line := facts.line_by_id.get(source):
        return line.text
    entry = facts.entry_by_id[source]
    return entry.header or entry.text


class Doors:
    """Each takes scripts and gives the ids of the drafts that were stored, by script."""

    def __init__(self, user: User) -> None:
        self._token = issue_pair(user=user, verified_at=None)["access"]

    async def stream(self, scripts: list[Script]) -> dict[int, int]:
        return {one.number: (await self._streamed(one))["draft_id"] for one in scripts}

    async def alone(self, scripts: list[Script]) -> dict[int, int]:
        """Each by a worker while nobody waits."""
        found = {}
        for one in scripts:
            sent = await self._post(_path(one), one.body, prefer="respond-async")
            [found[one.number]] = await _worked(sent["batch_id"])
        return found

    async def batch(self, scripts: list[Script]) -> dict[int, int]:
        found: dict[int, int] = {}
        for kind, url in URLS.items():
            some = [one for one in scripts if one.kind == kind]
            if some:
                sent = await self._post(f"{url}/batches", {"items": [one.body for one in some]})
                numbers = [one.number for one in some]
                found |= dict(zip(numbers, await _worked(sent["batch_id"]), strict=True))
        return found

    async def edited(self, scripts: list[Script]) -> dict[int, int]:
        """Changed by the person, then every section written anew."""
        return {one.number: await self._edited(one) for one in scripts}

    async def _edited(self, script: Script) -> int:
        draft = await self._post(_path(script), script.body)
        content = draft["content"]
        if script.kind == "cv":
            content["work"][0].setdefault("highlights", []).append(MINE)
        else:
            content["body"][0]["text"] += f" {MINE}"
        at = f"/api/v1/drafts/{draft['draft_id']}"
        draft = await self._send("patch", at, {"content": content})
        sources = {name: script.body[name] for name in ("job_data", "master_profile")}
        stored = await Draft.objects.aget(pk=draft["draft_id"])
        for section in sections_of(stored):
            at = f"/api/v1/drafts/{draft['draft_id']}/regenerate"
            draft = await self._post(at, {"section": section, **sources})
        return int(draft["draft_id"])

    async def _streamed(self, script: Script) -> Json:
        response = await self._ask("post", _path(script), script.body, accept="text/event-stream")
        told = b"".join([piece async for piece in response.streaming_content]).decode()
        done: Json = json.loads(told.rpartition("event: done\ndata: ")[2])
        return dict(done["data"])

    async def _post(self, path: str, body: Json, **headers: str) -> Json:
        return await self._send("post", path, body, **headers)

    async def _send(self, method: str, path: str, body: Json, **headers: str) -> Json:
        response = await self._ask(method, path, body, **headers)
        answered = json.loads(response.content)
        if not answered["success"]:
            raise RuntimeError(f"{path}: {answered['error']}")
        return dict(answered["data"])

    async def _ask(self, method: str, path: str, body: Json, **headers: str) -> Any:
        ask = getattr(AsyncClient(), method)
        given = {"authorization": f"Bearer {self._token}", **headers}
        return await ask(path, json.dumps(body), content_type="application/json", headers=given)


def _path(script: Script) -> str:
    return f"{URLS[script.kind]}/{VERBS[script.kind]}"


async def _worked(batch_id: str) -> list[int]:
    """What workers made of a batch: the ids of its drafts."""
    while await work_off(UUID(batch_id)):
        pass
    items = [item async for item in BatchItem.objects.filter(batch=batch_id).order_by("number")]
    if failed := [item.answer for item in items if item.state != "done"]:
        raise RuntimeError(f"Not drafted: {failed[0]}")
    return [item.answer["draft_id"] for item in items]


Door = Callable[[list[Script]], Awaitable[dict[int, int]]]


async def through(door: Door, scripts: list[Script]) -> dict[str, Any]:
    """How many lies and honest texts came to the door, and which of them stand in a stored draft."""
    stored = await door(scripts)
    found: dict[str, Any] = {"lies": 0, "lies_stored": 0, "honest": 0, "honest_stored": 0, "ids": []}
    for script in scripts:
        draft = await in_database_thread(Draft.objects.get, pk=stored[script.number])
        for case in script.cases:
            label = "lies" if case.is_lie else "honest"
            found[label] += 1
            if stands(case, draft):
                found[f"{label}_stored"] += 1
                found["ids"] += [case.id] * case.is_lie
    return found


def stands(case: Case, draft: Draft) -> bool:
    """Whether the draft says so: as a sentence of the model's, or anywhere, unless the profile itself says
    the same somewhere else."""
    text = tidy(case.text).rstrip(".")
    if text not in json.dumps(profile(case.profile), ensure_ascii=False):
        return text in json.dumps(draft.content, ensure_ascii=False).replace('\\"', '"')
    return any(
        row["text"].rstrip(".") == text and (case.place != "line" or row["field"] == case.sources[0])
        for row in draft.proofs
    )


def measured(cases: Iterable[Case]) -> Iterator[tuple[str, dict[str, Any]]]:
    """`through` for every door, one after the other, in the database at hand: people and providers are made
    here."""
    scripts = scripts_of(cases)
    Plan.objects.update(daily_token_limit=None)
    with running_sandbox(Teller(scripts)) as vendor, override_settings(ALLOWED_HOSTS=["testserver"]):
        for provider_type, model in (("openai", "sandbox-mini"), ("claude", "sandbox-mini")):
            config = AIProviderConfig(
                provider_type=provider_type,
                model_name=model,
                base_url=vendor.base_url(provider_type),
                is_active=True,
                is_default=provider_type == "openai",
            )
            config.set_api_key("sk-bench-0123456789abcdefghijklmnop")
            config.save()
        for name in ("stream", "alone", "batch", "edited"):
            # Each its own person: nobody is given an answer of before.
            user = User.objects.create_user(f"door-{name}@example.com")
            yield name, run(through(getattr(Doors(user), name), scripts))
