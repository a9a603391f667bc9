"""The forms of the prompts' pages."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from providers.stored_prompts import LONGEST_NAME
from providers.tasks import PromptVersion

# As much as is read for a sample; a posting is shorter.
LONGEST_INPUT = 20_000


class NewVersionForm(forms.Form):
    """A name, what is special about the version, and each of the prompt's texts, as it was to begin with."""

    version = forms.CharField(
        max_length=LONGEST_NAME, label="Name", widget=UnfoldAdminTextInputWidget,
        help_text="Small letters, digits and hyphens. It stands on every usage row and cannot be changed.",
    )  # fmt: skip
    about = forms.CharField(
        max_length=200, label="What is special about it", widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, based_on: PromptVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._texts = list(based_on.texts)
        for name, text in based_on.texts.items():
            variables = ", ".join(f"{{{variable}}}" for variable in text.variables)
            self.fields[f"text_{name}"] = forms.CharField(
                label=name.replace("_", " ").capitalize(),
                initial=text.text,
                strip=False,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "spellcheck": "true"}),
                help_text=f"May use {variables}." if variables else "",
            )

    @property
    def texts(self) -> dict[str, str]:
        """As sent, by name; browsers end lines in another way than files."""
        return {name: self.cleaned_data[f"text_{name}"].replace("\r\n", "\n") for name in self._texts}


class SampleForm(forms.Form):
    """An input, and which versions answer it by which of their texts."""

    text = forms.ChoiceField(label="Text", widget=UnfoldAdminSelectWidget)
    other = forms.ChoiceField(label="Beside", required=False, widget=UnfoldAdminSelectWidget)
    said = forms.CharField(
        max_length=LONGEST_INPUT, label="Input", widget=UnfoldAdminTextareaWidget(attrs={"rows": 8})
    )

    def __init__(self, *args: Any, prompt: PromptVersion, others: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].choices = [(name, name.replace("_", " ")) for name in prompt.texts]  # type: ignore[attr-defined]
        self.fields["other"].choices = [("", "No other version"), *((name, name) for name in others)]  # type: ignore[attr-defined]
        self._variables = sorted({name for text in prompt.texts.values() for name in text.variables})
        for name in self._variables:
            self.fields[f"value_{name}"] = forms.CharField(
                required=False, max_length=200, label=f"{{{name}}}", widget=UnfoldAdminTextInputWidget
            )

    @property
    def values(self) -> dict[str, str]:
        return {name: self.cleaned_data[f"value_{name}"] for name in self._variables}
