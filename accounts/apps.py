from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.retention import own, register  # late: it needs the models

        register(*own.KINDS)
