"""The column for names of models that people type."""

from __future__ import annotations

from typing import Any

from django.db import models

from providers.model_names import plain_name


class PlainNameField(models.CharField):  # type: ignore[type-arg]
    """A model's name as `plain_name` has it, however it is written or looked up."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return plain_name(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return plain_name(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's signature
        name = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, name)
        return name
