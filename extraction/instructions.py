"""Sentences in a posting that talk to the machine reading it.

Taking them out of the prompt is a courtesy to the model, not the protection. That is verification, which lets
nothing into the record that the posting does not say; and a reply has no power to do anything.
"""

from __future__ import annotations

import re

_ADDRESSED_TO_A_MODEL = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,60}"
    r"\b(?:instructions?|prompts?|rules|directions|guidelines|above|commands?)\b"
    r"|\b(?:new|updated|real) (?:instructions?|system prompt)\s*:"
    r"|^\s*(?:system|assistant|developer)\s*:"
    r"|<\|?/?(?:im_start|im_end|system|assistant|inst|s)\|?>|\[/?INST\]"
    r"|\byou are (?:now )?(?:an? )?(?:AI|LLM|language model|chatbot|DAN)\b"
    r"|\b(?:AI|LLM|language model|chatbot|assistant)s?\b[^.\n]{0,30}\b(?:must|should|shall)\b"
    r"[^.\n]{0,40}\b(?:output|respond|reply|return|answer|write|say|set|extract)\b"
    r"|\b(?:respond|reply|answer|output) (?:only )?with\b[^.\n]{0,40}\b(?:json|the word|exactly|nothing)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[<A-Z])")


def without_instructions(text: str) -> tuple[str, int]:
    """The text without the sentences addressed to a model, and how many were taken out."""
    removed = 0
    lines = []
    for line in text.split("\n"):
        if not _ADDRESSED_TO_A_MODEL.search(line):
            lines.append(line)
            continue
        kept = [sentence for sentence in _SENTENCE.split(line) if not _ADDRESSED_TO_A_MODEL.search(sentence)]
        removed += len(_SENTENCE.split(line)) - len(kept)
        if kept:
            lines.append(" ".join(kept))
    return "\n".join(lines), removed
