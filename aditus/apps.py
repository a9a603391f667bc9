"""What begins with every process."""

from django.apps import AppConfig


class AditusConfig(AppConfig):
    name = "aditus"

    def ready(self) -> None:
        from aditus import metrics, telemetry

        metrics.begin()
        telemetry.begin()
