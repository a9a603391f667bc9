from django.apps import AppConfig


class OrchestrationConfig(AppConfig):
    name = "orchestration"

    def ready(self) -> None:
        from accounts.retention import register as keep_for_a_while
        from orchestration.alerts import RULES
        from orchestration.batches.retention import KIND  # late: they need the models
        from orchestration.experiments.feedback import ratings_of
        from usage import quality
        from usage.alerts import conditions

        quality.register(ratings_of)
        keep_for_a_while(KIND)
        conditions.register(*RULES)
