"""One model has many spellings. These are the only places that know which of them mean the same."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.db import models

# Google's own form, and the paths by which its cloud names one: projects/…/publishers/google/models/<name>.
_RESOURCE = re.compile(r"(.*/)?models/")
_DATE = re.compile(r"[-@](20\d\d-\d\d-\d\d|20\d{6})$")


@lru_cache(maxsize=1024)
def plain_name(model_name: str) -> str:
    """By which a model is known whoever writes it: in lower case, without Google's "models/" and what stands
    before it, and without the faults that one asks of the sandbox after an @."""
    name = _RESOURCE.sub("", model_name.strip().lower(), count=1)
    return name.partition("@")[0] if name.startswith("sandbox-") else name


def undated(name: str) -> str:
    """A plain name without the date of its snapshot: the family that a price may be set for as a whole."""
    return _DATE.sub("", name)


class PlainNameField(models.CharField):  # type: ignore[type-arg]
    """The column for names of models that people type: as `plain_name` has them, written and looked up."""

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
