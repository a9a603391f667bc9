"""Asks a running server what its schema allows, and forbids, and says where its answer is another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.request import Request, urlopen

import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from tests.waiting import PATIENCE_SECONDS

load_all_checks()

REFUSED = frozenset({400, 405, 406, 415, 422})
# A vendor or the page of a posting may be away, which is no fault of the request and none of ours.
AWAY = frozenset({502, 503, 504})
_CHECKS = [
    checks.response_schema_conformance,
    checks.content_type_conformance,
    checks.status_code_conformance,
]


def operations(root: str) -> Iterator[Any]:
    """Those of the schema that the server at `root` gives, without what it says of logins: whoever asks is
    logged in."""
    accept = {"Accept": "application/vnd.oai.openapi+json"}
    with urlopen(Request(f"{root}/api/schema/", headers=accept)) as response:
        raw = json.load(response)
    del raw["components"]["securitySchemes"]
    for path in raw["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    schema = schemathesis.openapi.from_dict(raw)
    schema.config.update(base_url=root)
    # No text here holds NUL, which PostgreSQL cannot keep; a schema would say so in every line.
    schema.config.generation.update(allow_x00=False)
    for found in schema.get_all_operations():
        yield found.ok()


def complaints_about(operation: Any, *, token: Callable[[], str], examples: int, seed: bool) -> list[str]:
    """What is wrong with the answers to so many requests that the schema allows, and so many that it does
    not; `seed` False lets each run draw others. `token` is asked before each request."""
    found: dict[tuple[str, int, str], str] = {}

    def ask(case: Any, *, is_allowed: bool) -> None:
        headers = {"Authorization": f"Bearer {token()}"}
        response = case.call(headers=headers, timeout=PATIENCE_SECONDS)
        if complaint := _complaint(case, response, is_allowed=is_allowed):
            key = (complaint, response.status_code, _code(response))
            found.setdefault(key, case.as_curl_command()[:1_000])

    repeated = hypothesis_settings(
        max_examples=examples,
        derandomize=seed,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    allowed = given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    forbidden = given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    repeated(allowed(lambda case: ask(case, is_allowed=True)))()
    # Where nothing can be sent, nothing is forbidden.
    with suppress(Unsatisfiable):
        repeated(forbidden(lambda case: ask(case, is_allowed=False)))()
    return [
        f"{operation.label}: {complaint} ({status} {code})\n    {curl}"
        for (complaint, status, code), curl in found.items()
    ]


def _complaint(case: Any, response: Any, *, is_allowed: bool) -> str:
    status = response.status_code
    if status >= 500 and status not in AWAY:
        return "failed"
    try:
        case.validate_response(response, checks=_CHECKS)
    except BaseExceptionGroup as broken:
        return f"answered outside the schema: {broken.exceptions[0].title}"
    # A refusal of what the schema allows is one that the operation tells of by its code.
    told = json.dumps(case.operation.definition.raw)
    if is_allowed and status in REFUSED and f"`{_code(response)}`" not in told:
        return "refused what the schema allows"
    return ""


def _code(response: Any) -> str:
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
