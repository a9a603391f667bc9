"""Signs of life of the processes that nobody sees."""

from django.db import models


class Heartbeat(models.Model):
    """One worker or beat process, by its role and name, and when it last said that it lives."""

    class Role(models.TextChoices):
        WORKER = "worker", "Worker"
        BEAT = "beat", "Beat"

    role = models.CharField(max_length=6, choices=Role.choices)
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "heartbeats"
        constraints = [models.UniqueConstraint(fields=["role", "name"], name="heartbeats_one_per_process")]

    def __str__(self) -> str:
        return f"{self.role} {self.name}"
