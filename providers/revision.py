"""The number that tells every process when data that routing reads has changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from django.db import models, transaction
from django.db.models import F, Q

M = TypeVar("M", bound="RoutedModel")


class RoutingRevision(models.Model):
    """One row whose number moves, in the same transaction, with every change that routing reads.

    A process compares it inside a transaction its call makes anyway; equal means a current snapshot.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField(default=1)

    class Meta:
        db_table = "routing_revision"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="routing_revision_single_row")]

    def __str__(self) -> str:
        return str(self.number)

    @classmethod
    def bump(cls) -> None:
        """Call inside the transaction that changed the data, which holds its rows (see `configs.locks`)."""
        if not cls.objects.filter(id=1).update(number=F("number") + 1):
            cls.objects.create(id=1, number=1)

    @classmethod
    def hold(cls) -> None:
        """Keep every other change of routing waiting until the transaction ends."""
        cls.objects.select_for_update().filter(id=1).first()

    @classmethod
    def current(cls) -> int:
        return cls.objects.filter(id=1).values_list("number", flat=True).first() or 0


class RoutedQuerySet(models.QuerySet[M]):
    """Every way of writing rows bumps the revision, so that bulk actions leave no process behind. A statement
    that found no row bumps nothing: every process would plan anew for it."""

    def update(self, **values: Any) -> int:
        if values.keys() <= self.model.UNROUTED_FIELDS:
            return super().update(**values)
        with transaction.atomic():
            changed = super().update(**values)
            if changed:
                RoutingRevision.bump()
        return changed

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            deleted = super().delete()
            if deleted[0]:
                RoutingRevision.bump()
        return deleted

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        with transaction.atomic():
            created = super().bulk_create(objs, *args, **kwargs)
            RoutingRevision.bump()
        return created


class RoutedModel(models.Model):
    """A model that routing reads. Writing only `UNROUTED_FIELDS` moves no revision."""

    UNROUTED_FIELDS: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            super().save(*args, **kwargs)
            update_fields = kwargs.get("update_fields")
            if update_fields is None or not set(update_fields) <= self.UNROUTED_FIELDS:
                RoutingRevision.bump()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            RoutingRevision.bump()
        return deleted
