from django.apps import AppConfig


class DraftingConfig(AppConfig):
    name = "drafting"

    def ready(self) -> None:
        from drafting.api.batches import KINDS  # late: it needs the models
        from orchestration.batches import register

        for kind in KINDS:
            register(kind)
