"""Moving in from LiteLLM's proxy: its deployments become providers, its prices price overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from providers.configs import changes
from usage.models import ModelPrice, MovedRecord
from usage.moving_in.litellm_file import Deployment, deployments, read
from usage.moving_in.runs import wait_for_other_runs
from usage.moving_in.translation import NotTaken

COMMAND = "import_litellm_config"
_KIND = "litellm_deployment"
_NOTE = "Moved in from LiteLLM."


@dataclass
class Outcome:
    """Names of deployments by what became of them, and of models whose prices were taken; `not_taken` with
    the reason, `noticed` with what the file says that nothing here stands for."""

    moved: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    not_taken: dict[str, str] = field(default_factory=dict)
    noticed: dict[str, list[str]] = field(default_factory=dict)
    prices: list[str] = field(default_factory=list)


def import_config(text: str, *, environment: Mapping[str, str], dry_run: bool = False) -> Outcome:
    """Take the file in, all of it or nothing; what was taken before is known again and stays as it is, also
    where it was changed or deleted here. `environment` has the keys that the file names. With `dry_run`
    everything is done and undone. Raises UnreadableConfig. No vendor is asked."""
    config, outcome = read(text), Outcome()
    actor = Actor.of_command(COMMAND)
    with transaction.atomic():
        wait_for_other_runs(COMMAND)
        for name, found in deployments(config, environment):
            if isinstance(found, NotTaken):
                outcome.not_taken[name] = str(found)
                continue
            try:
                with transaction.atomic():
                    _take(found, actor, outcome)
            except NotTaken as reason:
                outcome.not_taken[name] = str(reason)
        transaction.set_rollback(dry_run)
    return outcome


def _take(found: Deployment, actor: Actor, outcome: Outcome) -> None:
    if MovedRecord.objects.filter(kind=_KIND, old_id=found.old_id).exists():
        outcome.known.append(found.name)
        return
    try:
        config = changes.create(
            actor=actor, provider_type=found.provider_type, api_key=found.api_key, fields=found.fields
        )
    except DomainError as error:
        raise NotTaken(error.message) from None
    except ValidationError as error:
        # Names of the fields; the values may hold a password.
        raise NotTaken(f"values that no provider has: {', '.join(sorted(error.message_dict))}") from None
    MovedRecord.objects.create(kind=_KIND, old_id=found.old_id, new_id=config.pk)
    outcome.moved.append(found.name)
    noticed = [*found.noticed]
    if found.prices:
        price = ModelPrice(
            provider_type=config.provider_type, model_name=config.model_name, note=_NOTE, **found.prices
        )
        if _has_price(price):
            noticed.append("its model has a price here already, which stays")
        else:
            price.save()
            shown = {name: str(value) for name, value in found.prices.items()}
            audit.record(
                action="modelprice.created",
                actor=actor,
                target=price,
                changes=audit.changes_between({}, shown),
            )
            outcome.prices.append(str(price))
    if noticed:
        outcome.noticed[found.name] = noticed


def _has_price(price: ModelPrice) -> bool:
    of_the_model = ModelPrice.objects.filter(provider_type=price.provider_type, model_name=price.model_name)
    return of_the_model.filter(is_ceiling=False).exists()
