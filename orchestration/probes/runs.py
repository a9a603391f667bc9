"""Probing all providers that are due, under one leader, or one because somebody wants to know."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts import audit, concurrency
from accounts.audit import Actor
from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from orchestration.calls.leader import leading
from orchestration.models import ProviderProbe
from orchestration.probes.asking import Finding, ask
from orchestration.probes.records import Effect, record
from orchestration.probes.schedule import Traffic, is_due, recent_traffic
from orchestration.routing.snapshot import ProviderSnapshot
from providers.credentials.checks import ConfigNotFound
from providers.models import AIProviderConfig

logger = logging.getLogger(__name__)

JOB = "probes"
# Vendors asked at the same time.
AT_ONCE = 8


class AlreadyProbing(DomainError):
    code = "already_probing"
    status = 409
    message = "This provider is being probed right now. Wait for the result."


@dataclass(frozen=True, slots=True)
class Probed:
    """`effect` is what became of the config's flag. `next_at` None: the config changed meanwhile, so nothing
    was kept."""

    config_id: int
    name: str
    finding: Finding
    effect: Effect
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Subject:
    config: AIProviderConfig
    traffic: Traffic


async def probe_due(*, even_early: bool = False) -> list[Probed] | None:
    """Probe every active config whose time has come, or all of them; None while another process does.

    AT_ONCE of them at a time, without a transaction or a database connection meanwhile. One that ends in a
    bug of ours is logged and tried again with the next run. Raises LeadershipLost.
    """
    async with leading(JOB) as leads:
        if not leads:
            return None
        subjects = await in_database_thread(_due, even_early=even_early)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(subject: _Subject) -> Probed:
            async with room:
                return await _probe(subject)

        ended = await asyncio.gather(*(one(subject) for subject in subjects), return_exceptions=True)
    for subject, outcome in zip(subjects, ended, strict=True):
        if isinstance(outcome, BaseException):
            logger.error("The probe of config %s broke off", subject.config.pk, exc_info=outcome)
    return [outcome for outcome in ended if isinstance(outcome, Probed)]


def probe_now(*, actor: Actor, config_id: int) -> Probed:
    """Probe one config for a person, whenever it is due, and say so in the audit trail. Synchronous.

    Raises ConfigNotFound, and AlreadyProbing while another person's probe of it runs.
    """
    probed = concurrency.run(_probe_one(config_id))
    audit.record_alone(
        action="provider.probed",
        actor=actor,
        target=AIProviderConfig.objects.filter(pk=config_id).first(),
        target_label=probed.name,
        changes={"result": [None, probed.finding.message]},
        outcome="failed" if probed.finding.is_up is False else "done",
    )
    return probed


async def _probe_one(config_id: int) -> Probed:
    async with leading(f"{JOB}:{config_id}") as leads:
        if not leads:
            raise AlreadyProbing
        return await _probe(await in_database_thread(_only, config_id))


async def _probe(subject: _Subject) -> Probed:
    config, traffic = subject.config, subject.traffic
    wants_proof = config.flagged_at is not None or config.last_test_success is False
    finding = await ask(ProviderSnapshot.of(config), is_serving=traffic.is_serving, wants_proof=wants_proof)
    recorded = await in_database_thread(record, config, finding, traffic=traffic, now=timezone.now())
    effect: Effect = recorded.effect if recorded else ""
    if effect:
        logger.warning("A probe of config %s: %s. %s", config.pk, effect, finding.message)
    return Probed(config.pk, str(config), finding, effect, recorded.next_at if recorded else None)


def _due(*, even_early: bool) -> list[_Subject]:
    now = timezone.now()
    traffic = recent_traffic(now=now)
    probes = {probe.config_id: probe for probe in ProviderProbe.objects.all()}
    subjects = [
        _Subject(config, traffic.get(config.pk, Traffic())) for config in AIProviderConfig.objects.active()
    ]
    return [
        subject
        for subject in subjects
        if even_early or is_due(subject.config, probes.get(subject.config.pk), subject.traffic, now=now)
    ]


def _only(config_id: int) -> _Subject:
    config = AIProviderConfig.objects.filter(pk=config_id).first()
    if config is None:
        raise ConfigNotFound
    return _Subject(config, recent_traffic(now=timezone.now()).get(config_id, Traffic()))
