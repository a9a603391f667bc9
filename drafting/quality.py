"""In how many drafts of a model a text was refused as unproven."""

from __future__ import annotations

from django.db.models import Count, Q

from drafting.models import Draft, Kind, MadeBy
from usage.quality import NOTHING_KNOWN, Place, Quality, place_of
from usage.stats import Period

_TASK_OF = {Kind.CV.value: "cv_draft", Kind.COVER_LETTER.value: "cover_letter"}
# A draft in another language than the profile's begins with a note of that, which refuses nothing.
_NOTE_ONLY = Q(grounding__0__field="language", grounding__1__isnull=True)


def groundedness_of(period: Period) -> dict[Place, Quality]:
    """Of the drafts that models wrote within the period, by model and task. A source of `usage.quality`."""
    written = Draft.objects.filter(
        created_at__gte=period.start, created_at__lt=period.end, made_by=MadeBy.DRAFT
    )
    refused = Count("pk", filter=~Q(grounding=[]) & ~_NOTE_ONLY)
    by = ("provider_type", "model_name", "kind")
    found: dict[Place, Quality] = {}
    for row in written.order_by().values(*by).annotate(n=Count("pk"), refused=refused):
        place = place_of({**row, "task_type": _TASK_OF[row["kind"]]})
        found[place] = found.get(place, NOTHING_KNOWN) + Quality(drafts=row["n"], ungrounded=row["refused"])
    return found
