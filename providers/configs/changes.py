"""What a super-admin does to providers, by whichever door: the console, the API, a command.

Every function is one transaction that holds the change, the routing revision and the audit entry: all of it
happens or none, with locks taken in the order that `configs.locks` names. Nothing here calls a vendor;
checking a key comes before, in `credentials.trials`. Whether the person may, and has shown a second factor
for it, is asked at the door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from accounts.edit_conflicts import EditConflict, changes_since
from accounts.errors import DomainError
from accounts.models import AuditEntry
from providers.adapters.credential_check import CredentialCheck
from providers.capabilities.matrix import learn
from providers.configs.locks import hold_all, locked
from providers.credentials.checks import validate_key_format
from providers.errors import UndecryptableKey
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS

TASK_FLAGS = tuple(task.flag for task in TASKS.values() if task.flag)
EDITABLE = (
    "display_name",
    "description",
    "is_active",
    "is_default",
    "model_name",
    "quality_model_name",
    "base_url",
    "timeout",
    *TASK_FLAGS,
    "extra_default_tasks",
    "priority",
    "weight",
    "daily_token_limit",
    "monthly_token_limit",
    "daily_cost_limit_usd",
    "monthly_cost_limit_usd",
    "requests_per_minute",
    "max_concurrent_calls",
    "key_expires_at",
)


class KeyNeeded(DomainError):
    """The key would have gone to a server that whoever entered it never named."""

    code = "key_needed_for_new_address"
    status = 422
    message = "A stored key is not sent to a new address. Enter the API key together with the new base URL."


class UnusableKey(DomainError):
    code = "invalid_key_format"
    status = 422
    message = "This key cannot work. Copy it again."


def create(
    *,
    actor: Actor,
    provider_type: str,
    api_key: str,
    fields: Mapping[str, Any],
    check: CredentialCheck | None = None,
) -> AIProviderConfig:
    """Add a provider. `fields`: names of EDITABLE, valid as the model has them. `check` is the outcome of
    asking the vendor, kept as the config's first test when it said something; its list of models goes into
    the capability matrix.

    Raises UnusableKey, KeyError for a provider type that is not registered, TypeError for an unknown field,
    and django's ValidationError for a value that the model refuses.
    """
    _refuse_unusable(provider_type, api_key, str(fields.get("base_url", "")))
    config = AIProviderConfig(provider_type=PROVIDER_TYPES[provider_type].slug, created_by=actor.user)
    config.set_api_key(api_key)
    with transaction.atomic():
        if fields.get("is_default"):
            hold_all()
        _write(actor, config, fields, check)
        _record(actor, "provider.created", config, before={})
    return config


def update(
    *,
    actor: Actor,
    config_id: int,
    fields: Mapping[str, Any],
    api_key: str = "",
    check: CredentialCheck | None = None,
    version: datetime | None = None,
    checked_base_url: str | None = None,
) -> AIProviderConfig:
    """Change the named fields only; an empty `api_key` keeps the stored one.

    `version` is the `updated_at` that the person saw; a row changed since then raises EditConflict, as does a
    row that would keep another address than `checked_base_url`, the one that the key was checked with. A new
    base URL without a key raises KeyNeeded where there is a key to lose. Otherwise as `create`, and
    ConfigNotFound.
    """
    with transaction.atomic():
        if fields.get("is_default"):
            hold_all()
        config = locked(config_id)
        before = facts(config)
        base_url = str(fields.get("base_url", config.base_url))
        if checked_base_url is not None and base_url != checked_base_url:
            raise _moved(config)
        refuse_if_changed(config, version)
        if base_url != config.base_url and not api_key and has_key(config):
            raise KeyNeeded
        if api_key:
            _refuse_unusable(config.provider_type, api_key, base_url)
            config.set_api_key(api_key)
        _write(actor, config, fields, check)
        _record(actor, "provider.key_rotated" if api_key else "provider.updated", config, before=before)
    return config


def rotate_key(
    *,
    actor: Actor,
    config_id: int,
    api_key: str,
    key_expires_at: datetime | None = None,
    base_url: str | None = None,
    check: CredentialCheck | None = None,
    checked_base_url: str | None = None,
) -> AIProviderConfig:
    """Replace the key and its expiry; whatever was held against the old key is cleared. With a `base_url` the
    address too; only with one, and for a provider without a key, may `api_key` be empty. Raises as `update`,
    and UnusableKey for an empty key, so that a rotation that stores nothing is not mistaken for one."""
    if not api_key and base_url is None:
        raise UnusableKey("Enter the new API key.")
    address = {} if base_url is None else {"base_url": base_url}
    return update(
        actor=actor,
        config_id=config_id,
        api_key=api_key,
        fields={"key_expires_at": key_expires_at, **address},
        check=check,
        checked_base_url=checked_base_url,
    )


def set_active(*, actor: Actor, config_ids: Iterable[int], is_active: bool) -> int:
    """Switch providers on or off; the very next call heeds it. Returns how many were not so already."""
    action = "provider.activated" if is_active else "provider.deactivated"
    with transaction.atomic():
        # Sorted, so that two people switching the same rows wait for each other instead of deadlocking.
        rows = AIProviderConfig.objects.select_for_update().filter(pk__in=list(config_ids)).order_by("pk")
        configs = [config for config in rows if config.is_active != is_active]
        befores = [facts(config) for config in configs]
        for config in configs:
            config.is_active = is_active
            config.save(update_fields=["is_active", "updated_at"])
        for config, before in zip(configs, befores, strict=True):
            _record(actor, action, config, before=before)
    return len(configs)


def make_default(*, actor: Actor, config_id: int) -> AIProviderConfig:
    """Hand the place of the default to this provider. Raises ConfigNotFound."""
    with transaction.atomic():
        hold_all()
        config = locked(config_id)
        before = facts(config)
        _take_default(actor, config)
        _record(actor, "provider.made_default", config, before=before)
    return config


def duplicate(*, actor: Actor, config_id: int) -> AIProviderConfig:
    """A second config over the same account, for another model: same key and limits, switched off, first
    choice for nothing. Raises ConfigNotFound."""
    with transaction.atomic():
        source = locked(config_id)
        copy = AIProviderConfig(provider_type=source.provider_type, created_by=actor.user)
        for name in (*EDITABLE, "api_key_encrypted", "key_hint", "key_set_at"):
            setattr(copy, name, getattr(source, name))
        copy.is_active = copy.is_default = False
        copy.extra_default_tasks = []
        for flag in TASK_FLAGS:
            setattr(copy, flag, False)
        copy.display_name = f"Copy of {source}"[:200]
        copy.save()
        _record(actor, "provider.duplicated", copy, before={"copied_from": str(source)})
    return copy


def refuse_if_changed(config: AIProviderConfig, version: datetime | None) -> None:
    """Raise EditConflict when the row is newer than the `version` a person saw; None means any will do."""
    if version is None or config.updated_at == version:
        return
    raise EditConflict(details=_conflict_details(config, changes_since(config, created_at__gte=version)))


def has_key(config: AIProviderConfig) -> bool:
    """Whether there is a key; one that cannot be decrypted counts."""
    try:
        return bool(config.api_key_encrypted.reveal())
    except UndecryptableKey:
        return True


def facts(config: AIProviderConfig) -> dict[str, Any]:
    """What the audit trail shows of a config: every setting, of the key its hint and the day it was set."""
    shown = {name: getattr(config, name) for name in ("provider_type", *EDITABLE, "key_set_at")}
    shown["extra_default_tasks"] = list(config.extra_default_tasks)
    return {**shown, "api_key": f"••••{config.key_hint}"}


def _moved(config: AIProviderConfig) -> EditConflict:
    last_move = changes_since(config, changes__has_key="base_url")[-1:]
    return EditConflict(
        "The address of this provider was changed while the key was being checked with the old one. Nothing "
        "was stored. Reload it and enter the key again.",
        details=_conflict_details(config, last_move),
    )


def _conflict_details(config: AIProviderConfig, entries: Iterable[AuditEntry]) -> dict[str, Any]:
    changes = [
        {"by": entry.actor_email, "at": entry.created_at.isoformat(), "changes": entry.changes}
        for entry in entries
    ]
    return {"updated_at": config.updated_at.isoformat(), "changes": changes}


def _refuse_unusable(provider_type: str, api_key: str, base_url: str) -> None:
    complaint = validate_key_format(provider_type=provider_type, api_key=api_key, base_url=base_url)
    if complaint:
        raise UnusableKey(complaint)


def _write(
    actor: Actor, config: AIProviderConfig, fields: Mapping[str, Any], check: CredentialCheck | None
) -> None:
    if unknown := fields.keys() - set(EDITABLE):
        raise TypeError(f"A provider has no editable field {sorted(unknown)[0]}.")
    for name in fields.keys() - {"is_default"}:
        setattr(config, name, fields[name])
    config.clean_fields(exclude={field.name for field in config._meta.fields} - set(fields))
    if check is not None and check.is_lasting:
        config.last_tested_at, config.last_test_success = timezone.now(), check.is_valid
    becomes_default = bool(fields.get("is_default", config.is_default)) and not config.is_default
    if "is_default" in fields and not becomes_default:
        config.is_default = bool(fields["is_default"])
    config.save()
    if check is not None:
        learn(provider_type=config.provider_type, lists={config.pk: check.listed}, now=timezone.now())
    if becomes_default:
        _take_default(actor, config)


def _take_default(actor: Actor, config: AIProviderConfig) -> None:
    held = AIProviderConfig.objects.select_for_update().filter(is_default=True).exclude(pk=config.pk).first()
    before = facts(held) if held else {}
    config.make_default()
    if held:
        held.refresh_from_db()
        _record(actor, "provider.updated", held, before=before)


def _record(actor: Actor, action: str, config: AIProviderConfig, *, before: Mapping[str, Any]) -> None:
    changes = audit.changes_between(before, facts(config))
    if changes:
        audit.record(action=action, actor=actor, target=config, changes=changes)
