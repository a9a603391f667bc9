"""Moving the earlier system in: people, subscriptions, providers, usage rows; nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cryptography.fernet import MultiFernet
from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.models import Plan, Role, Subscription, User
from providers.configs.locks import hold_all
from providers.models import AIProviderConfig
from usage.models import AIProviderUsageLog, MovedRecord
from usage.moving_in.old_database import OldDatabase, Row
from usage.moving_in.runs import wait_for_other_runs
from usage.moving_in.translation import (
    NotTaken,
    provider_fields,
    request_id,
    subscription_fields,
    usage_fields,
    user_fields,
    vendor_of,
)
from usage.stats import rollup

_COMMAND = "migrate_from_fastapi"
# In the order in which they point at each other.
TABLES = ("users", "subscriptions", "ai_provider_configs", "ai_provider_usage_logs")
_CENT = Decimal("0.01")
COST_UNITS: dict[str, Callable[[Decimal], Decimal]] = {
    "cents": lambda amount: amount * _CENT,
    "usd": lambda amount: amount,
}


class NothingToMove(DomainError):
    code = "nothing_to_move"
    status = 400
    message = "None of the earlier system's tables is there. Check the name of the database in the address."


class UnknownCostUnit(DomainError):
    code = "unknown_cost_unit"
    status = 400
    message = (
        "estimated_cost_usd is no column of whole numbers, so it may hold cents or dollars. "
        "Look at a few rows, and say --cost-unit cents or --cost-unit usd."
    )


@dataclass
class Outcome:
    """What became of the rows of one table. `moved` + `known` + the sum of `not_taken` are the rows `read`.
    Tokens and USD are those of the rows that are here now, moved or known."""

    read: int = 0
    moved: int = 0
    known: int = 0
    not_taken: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)


class Move:
    """One run. `keys` open the earlier system's API keys; with `dry_run` nothing is written and the outcomes
    say what would be. Raises NothingToMove or UnknownCostUnit before anything is written."""

    def __init__(
        self, source: OldDatabase, keys: MultiFernet, *, cost_unit: str = "", dry_run: bool = False
    ) -> None:
        self._source, self._keys, self._dry_run = source, keys, dry_run
        if not any(source.columns(table) for table in TABLES):
            raise NothingToMove
        kind = source.columns("ai_provider_usage_logs").get("estimated_cost_usd", "integer")
        if not cost_unit and "int" not in kind:
            raise UnknownCostUnit
        self._cost_in_usd = COST_UNITS[cost_unit or "cents"]
        # What the old ids are here; in a dry run, 0 for those that would be.
        self._users: dict[str, int] = {}
        self._providers: dict[str, int] = {}
        self._vendors: dict[str, str] = {}
        self._models: dict[str, str] = {}

    def run(self, *, progress: Callable[[str, int], None] = lambda table, rows: None) -> dict[str, Outcome]:
        """Move everything, a chunk a transaction; safe to kill and to run again, and two at once wait for
        each other. `progress` hears the table and how many of its rows were read."""
        outcomes = {}
        steps = (self._take_users, self._take_subscriptions, self._take_providers, self._take_usage)
        for table, take in zip(TABLES, steps, strict=True):
            outcome = outcomes[table] = Outcome()
            for rows in self._source.chunks(table) if self._source.columns(table) else ():
                with transaction.atomic():
                    if not self._dry_run:
                        wait_for_other_runs(_COMMAND)
                    take(rows, outcome)
                outcome.read += len(rows)
                progress(table, outcome.read)
        if not self._dry_run:
            self._enter(outcomes)
        return outcomes

    def _take_users(self, rows: list[Row], outcome: Outcome) -> None:
        known = _known("user", rows)
        for row, fields in _translated(rows, known, outcome, user_fields):
            user = User.objects.filter(email=fields["email"]).first()
            if user:
                outcome.noticed["had an account here already, which stays as it is"] += 1
            elif fields["password"].startswith("!"):
                outcome.noticed["need a new password, because their hash is of a kind unknown here"] += 1
            if fields["role"] == Role.SUPER_ADMIN:
                outcome.noticed["are super-admins: see that each should be"] += 1
            outcome.moved += 1
            known[str(row["id"])] = self._create("user", row, user or User(**fields))
        self._users |= known

    def _take_subscriptions(self, rows: list[Row], outcome: Outcome) -> None:
        plans = frozenset(Plan.objects.values_list("slug", flat=True))
        for row, fields in _translated(
            rows, _known("subscription", rows), outcome, lambda row: subscription_fields(row, plans)
        ):
            user_id = self._users.get(str(row.get("user_id")))
            if user_id is None:
                outcome.not_taken["a person who was not taken"] += 1
                continue
            active = Subscription.objects.filter(user_id=user_id, status=Subscription.Status.ACTIVE)
            if fields["status"] == Subscription.Status.ACTIVE and active.exists():
                outcome.noticed["are kept as cancelled, because the person has an active one"] += 1
                fields["status"] = Subscription.Status.CANCELLED
            outcome.moved += 1
            self._create("subscription", row, Subscription(user_id=user_id, **fields))

    def _take_providers(self, rows: list[Row], outcome: Outcome) -> None:
        if not self._dry_run:
            hold_all()
        known = _known("provider", rows)
        for row in rows:
            self._vendors[str(row["id"])] = vendor_of(row)
            self._models[str(row["id"])] = str(row.get("model_name") or "")[:200]
        for row, (fields, api_key) in _translated(
            rows, known, outcome, lambda row: provider_fields(row, self._keys)
        ):
            if fields["is_default"] and AIProviderConfig.objects.filter(is_default=True).exists():
                outcome.noticed["are no longer the default, because there is one here"] += 1
                fields["is_default"] = False
            config = AIProviderConfig(
                **fields, created_by_id=self._users.get(str(row.get("created_by_id"))) or None
            )
            config.set_api_key(api_key)
            outcome.moved += 1
            known[str(row["id"])] = self._create("provider", row, config)
        self._providers |= known

    def _take_usage(self, rows: list[Row], outcome: Outcome) -> None:
        ids = {request_id(row["id"]): str(row["id"]) for row in rows}
        found = AIProviderUsageLog.objects.filter(request_id__in=list(ids))
        known = {ids[name]: pk for name, pk in found.values_list("request_id", "pk")}
        new = []
        for row, fields in _translated(
            rows, known, outcome, lambda row: usage_fields(row, self._cost_in_usd)
        ):
            config, person = str(row.get("provider_config_id")), str(row.get("user_id"))
            fields["provider_type"] = self._vendors.get(config, "")
            fields["model_name"] = fields["model_name"] or self._models.get(config, "")
            new.append(
                AIProviderUsageLog(
                    user_id=self._users.get(person), provider_config_id=self._providers.get(config), **fields
                )
            )
            if fields["estimated_cost_usd"] is None:
                outcome.noticed["have no known cost"] += 1
            if fields["status"] not in str(row.get("status")).lower():
                outcome.noticed["have a status that is unknown here, and count as errors"] += 1
        outcome.moved += len(new)
        if not self._dry_run:
            rollup.hold()
            AIProviderUsageLog.objects.bulk_create(new)
        old = AIProviderUsageLog.objects.filter(pk__in=known.values())
        for tokens, cost in (
            *((row.total_tokens, row.estimated_cost_usd) for row in new),
            *old.values_list("total_tokens", "estimated_cost_usd"),
        ):
            outcome.tokens += tokens
            outcome.cost_usd += cost or 0

    def _create(self, kind: str, row: Row, record: Any) -> int:
        """Store the record, unless it is stored, and that it was moved; its id, or 0 in a dry run."""
        if self._dry_run:
            return record.pk or 0
        if record.pk is None:
            record.save()
        MovedRecord.objects.create(kind=kind, old_id=str(row["id"]), new_id=record.pk)
        return int(record.pk)

    def _enter(self, outcomes: dict[str, Outcome]) -> None:
        moved = {table: [0, outcome.moved] for table, outcome in outcomes.items() if outcome.moved}
        if moved:
            with transaction.atomic():
                audit.record(
                    action="system.moved_in", actor=Actor.of_command(_COMMAND), target_label="FastAPI",
                    changes=moved,
                )  # fmt: skip


def _known(kind: str, rows: Iterable[Row]) -> dict[str, int]:
    """By old id, what those of the rows are here that were moved before."""
    ids = [str(row["id"]) for row in rows]
    found = MovedRecord.objects.filter(kind=kind, old_id__in=ids)
    return dict(found.values_list("old_id", "new_id"))


def _translated(
    rows: Iterable[Row], known: dict[str, int], outcome: Outcome, translate: Callable[[Row], Any]
) -> Iterable[tuple[Row, Any]]:
    """The rows that are new, with what they are here; the others are counted."""
    already = frozenset(known)
    for row in rows:
        if str(row["id"]) in already:
            outcome.known += 1
            continue
        try:
            fields = translate(row)
        except NotTaken as reason:
            outcome.not_taken[str(reason)] += 1
            continue
        yield row, fields
