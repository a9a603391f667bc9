"""Asking the vendor about a key, and then storing it: one call for doors that do both in one request.

The two never share a transaction, because the vendor may take seconds to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.audit import Actor
from providers.configs import changes
from providers.credentials import trials
from providers.credentials.checks import LONGEST_CHECK_SECONDS, ConfigNotFound
from providers.models import AIProviderConfig


def create_checked(
    *,
    actor: Actor,
    provider_type: str,
    api_key: str,
    fields: Mapping[str, Any],
    save_anyway: bool = False,
) -> AIProviderConfig:
    """`console.create` after a check of the key with the vendor.

    Raises KeyRefused, and VendorUnreachable unless `save_anyway`; the config is then stored untested.
    """
    check = trials.check_for_saving(
        actor=actor,
        provider_type=provider_type,
        api_key=api_key,
        base_url=fields.get("base_url", ""),
        model_name=fields["model_name"],
        timeout=fields.get("timeout", LONGEST_CHECK_SECONDS),
        save_anyway=save_anyway,
    )
    return changes.create(
        actor=actor, provider_type=provider_type, api_key=api_key, fields=fields, check=check
    )


def update_checked(
    *,
    actor: Actor,
    config_id: int,
    fields: Mapping[str, Any],
    api_key: str = "",
    version: datetime | None = None,
    save_anyway: bool = False,
) -> AIProviderConfig:
    """`console.update`, where a new key is checked with the vendor first. Raises as both do; EditConflict
    also when the address has become another while the vendor was asked."""
    check = checked_base_url = None
    if api_key:
        stored = AIProviderConfig.objects.filter(pk=config_id).first()
        if stored is None:
            raise ConfigNotFound
        changes.refuse_if_changed(stored, version)
        checked_base_url = fields.get("base_url", stored.base_url)
        check = trials.check_for_saving(
            actor=actor,
            provider_type=stored.provider_type,
            api_key=api_key,
            base_url=checked_base_url,
            model_name=fields.get("model_name", stored.model_name),
            timeout=fields.get("timeout", stored.timeout),
            config_id=config_id,
            save_anyway=save_anyway,
        )
    return changes.update(
        actor=actor,
        config_id=config_id,
        fields=fields,
        api_key=api_key,
        check=check,
        version=version,
        checked_base_url=checked_base_url,
    )
