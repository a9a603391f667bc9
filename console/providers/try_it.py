"""Try it: a prompt put to up to three models, their answers side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from pydantic import BaseModel

from accounts.concurrency import run
from accounts.errors import DomainError
from accounts.nesting import NestedTooDeeply
from console.providers.sections import head_of
from extraction import images
from orchestration.calls.auditions import MOST_AT_ONCE, Audition, Subject, audition
from orchestration.door.forms import form_of
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import CHAT, task_choices

if TYPE_CHECKING:
    from console.providers.config import AIProviderConfigAdmin

_SHAPES = (("text", "Text"), ("json_object", "Any JSON object"), ("json_schema", "JSON by the schema below"))
_ORDINALS = ("First model", "Second model", "Third model")[:MOST_AT_ONCE]
_SLOTS = tuple(f"model_{place}" for place in range(1, MOST_AT_ONCE + 1))
_MOST_CHARACTERS = 100_000


class TryForm(forms.Form):
    """`subjects`, `images` and `form` are there once it is valid."""

    task = forms.ChoiceField(choices=task_choices, initial=CHAT)
    prompt = forms.CharField(max_length=_MOST_CHARACTERS, widget=forms.Textarea(attrs={"rows": 5}))
    image = forms.FileField(required=False)
    shape = forms.ChoiceField(label="Answer as", choices=_SHAPES, initial="text")
    schema = forms.CharField(
        label="JSON Schema",
        required=False,
        max_length=_MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = _models_to_try()
        for place, (name, label) in enumerate(zip(_SLOTS, _ORDINALS, strict=True)):
            none = [("", "none")] if place else []
            self.fields[name] = forms.ChoiceField(label=label, required=not place, choices=[*none, *choices])
        for field in self.fields.values():
            field.widget.attrs["class"] = "console-input"

    def clean_image(self) -> Any:
        uploaded = self.cleaned_data["image"]
        if uploaded is None:
            return None
        try:
            # One byte more than is taken is enough to see that it is too large.
            return images.prepare(uploaded.read(images.MAX_BYTES + 1))
        except DomainError as error:
            raise forms.ValidationError(error.message) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.form: type[BaseModel] | None = None
        try:
            asked = _asked_for(cleaned.get("shape", "text"), cleaned.get("schema", ""))
            self.form = form_of(asked, within="json_schema", param="schema")
        except DomainError as error:
            self.add_error("schema", error.message)
        except RecursionError:
            self.add_error("schema", NestedTooDeeply.message)
        except ValueError:
            self.add_error("schema", "This is not JSON.")
        return cleaned

    @property
    def subjects(self) -> list[Subject]:
        """Each of the chosen models once."""
        chosen = dict.fromkeys(filter(None, (self.cleaned_data[slot] for slot in _SLOTS)))
        pairs = (choice.partition(" ") for choice in chosen)
        return [Subject(int(config_id), model) for config_id, _, model in pairs]


def page(model_admin: AIProviderConfigAdmin) -> Callable[..., HttpResponse]:
    """GET: the form, with this provider chosen. POST: the same with what the models answered, after at most
    the deadline of the task's policy. The person who tries pays by their own plan. Of an inactive provider
    there is no form: what was typed would go to another one under this one's name."""

    @require_http_methods(["GET", "POST"])
    def view(request: HttpRequest, config_id: int) -> HttpResponse:
        if not model_admin.has_change_permission(request):
            raise PermissionDenied
        config = model_admin.get_object(request, str(config_id))
        if config is None:
            raise Http404
        form: TryForm | None = None
        told: str = ""
        auditions: list[tuple[str, Audition, str]] = []
        if config.is_active:
            first = {"model_1": f"{config.pk} {config.model_name}"}
            form = TryForm(request.POST or None, request.FILES or None, initial=first)
            told, auditions = _tried(request, form) if form.is_valid() else ("", [])
        context = {
            **admin.site.each_context(request),
            "title": str(config),
            "opts": model_admin.opts,
            "original": config,
            "head": head_of(config, "try", now=timezone.now()),
            "form": form,
            "told": told,
            "auditions": auditions,
        }
        return TemplateResponse(request, "console/providers/try_it.html", context)

    return view


def _tried(request: HttpRequest, form: TryForm) -> tuple[str, list[tuple[str, Audition, str]]]:
    """Why nobody was asked, else each with its provider's name, and with its answer as a person reads it."""
    picture = form.cleaned_data["image"]
    try:
        auditions = run(
            audition(
                user=request.user,  # type: ignore[arg-type]  # the console's site lets nobody else in
                task=form.cleaned_data["task"],
                subjects=form.subjects,
                prompt=form.cleaned_data["prompt"],
                images=[picture] if picture else [],
                form=form.form,
            )
        )
    except DomainError as error:
        return error.message, []
    names = AIProviderConfig.objects.in_bulk([held.subject.config_id for held in auditions])
    return "", [
        (str(names.get(held.subject.config_id, "a deleted provider")), held, _shown(held))
        for held in auditions
    ]


def _shown(held: Audition) -> str:
    result = held.result
    if result is None:
        return ""
    if result.parsed is None:
        return result.text
    return json.dumps(result.parsed.model_dump(mode="json"), indent=2, ensure_ascii=False)


def _models_to_try() -> list[tuple[str, str]]:
    choices = []
    for config in AIProviderConfig.objects.active().defer("api_key_encrypted"):
        vendor = PROVIDER_TYPES[config.provider_type].label
        for model in dict.fromkeys(filter(None, (config.model_name, config.quality_model_name))):
            name = f"{config}: {model}" if config.display_name else f"{vendor}: {model}"
            choices.append((f"{config.pk} {model}", name))
    return choices


def _asked_for(shape: str, schema: str) -> dict[str, Any]:
    """As the door takes it. Raises ValueError for what is no JSON, and RecursionError for what is nested too
    deeply to be read."""
    if shape != "json_schema":
        return {"type": shape}
    return {"type": shape, "json_schema": {"name": "answer", "schema": json.loads(schema)}}
