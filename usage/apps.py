from django.apps import AppConfig


class UsageConfig(AppConfig):
    name = "usage"

    def ready(self) -> None:
        from accounts.leaving import forget_too
        from accounts.retention import register as keep_for_a_while
        from usage.alerts import calls, conditions, configured, operations, people
        from usage.retention import KINDS  # late: they need the models

        keep_for_a_while(*KINDS)
        forget_too(people.forget)
        conditions.register(*configured.RULES, *calls.RULES, *operations.RULES)
