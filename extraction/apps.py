from django.apps import AppConfig


class ExtractionConfig(AppConfig):
    name = "extraction"

    def ready(self) -> None:
        from extraction.api.batches import KIND  # late: it needs the models
        from orchestration.batches import register

        register(KIND)
