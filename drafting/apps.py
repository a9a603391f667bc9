from django.apps import AppConfig


class DraftingConfig(AppConfig):
    name = "drafting"

    def ready(self) -> None:
        from accounts.retention import register as keep_for_a_while
        from drafting import retention  # late: they need the models
        from drafting.api.batches import KINDS
        from drafting.api.interview import KIND
        from drafting.quality import groundedness_of
        from orchestration.batches import register
        from usage import quality

        for kind in (*KINDS, KIND):
            register(kind)
        quality.register(groundedness_of)
        keep_for_a_while(*retention.KINDS)
