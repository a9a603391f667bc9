"""What an empty list says: how rows come to be, and where to go for them."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import NoReverseMatch, reverse


class EmptyState(NamedTuple):
    sentence: str
    title: str
    link: str


_PEOPLE = ("See people", "admin:accounts_user_changelist")
_LOG = ("See the usage log", "admin:usage_aiproviderusagelog_changelist")
# By the model's label; the page is a URL name.
_STATES: dict[str, tuple[str, str, str]] = {
    "accounts.auditentry": ("Every change and refusal is entered here.", *_PEOPLE),
    "accounts.personaltoken": ("People make their own in the product.", *_PEOPLE),
    "accounts.plan": ("A plan says what its users may spend.", "Add the first", "admin:accounts_plan_add"),
    "accounts.retentionrule": (
        "Without a rule everything is kept until its owner deletes it.",
        "Add the first",
        "admin:accounts_retentionrule_add",
    ),
    "accounts.subscription": (
        "Without one, people are on the default plan.",
        "See plans",
        "admin:accounts_plan_changelist",
    ),
    "accounts.user": ("People are added here or by your system.", "Add somebody", "admin:accounts_user_add"),
    "drafting.draft": ("CVs and letters that people have written appear here.", *_LOG),
    "drafting.masterprofile": (
        "The profiles of people appear here when they save one.",
        "See people",
        "admin:accounts_user_changelist",
    ),
    "extraction.jobposting": ("Job postings that people have read appear here.", *_LOG),
    "orchestration.batch": ("Batches that people send over the API appear here.", *_LOG),
    "orchestration.experiment": (
        "An experiment tries two ways of answering on your own users.",
        "Set one up",
        "admin:orchestration_experiment_add",
    ),
    "orchestration.taskpolicy": (
        "Without a policy each task goes by its defaults.",
        "Add the first",
        "admin:orchestration_taskpolicy_add",
    ),
    "providers.aiproviderconfig": (
        "Calls need a provider with a key.",
        "Add the first",
        "admin:providers_aiproviderconfig_add",
    ),
    "providers.modelcapability": (
        "Vendors' lists are fetched daily, and with each test of a key.",
        "Test a provider",
        "admin:providers_aiproviderconfig_changelist",
    ),
    "usage.aiproviderusagelog": (
        "Every call appears here with its tokens and cost.",
        "Try a provider",
        "admin:providers_aiproviderconfig_changelist",
    ),
    "usage.alert": ("Nothing needs you.", "See the home", "admin:index"),
    "usage.alertchannel": (
        "Alerts are sent nowhere until there is a channel.",
        "Add the first",
        "admin:usage_alertchannel_add",
    ),
    "usage.alertdelivery": (
        "What channels were sent appears here.",
        "See channels",
        "admin:usage_alertchannel_changelist",
    ),
    "usage.alertthresholds": (
        "Providers are judged by the defaults.",
        "Set others",
        "admin:usage_alertthresholds_add",
    ),
    "usage.modelprice": (
        "The shipped list has the prices until you set your own.",
        "See the price list",
        "admin:usage_price_list",
    ),
    "usage.quotacounter": (
        "Counting begins with the first call.",
        "Try a provider",
        "admin:providers_aiproviderconfig_changelist",
    ),
    "usage.quotarule": (
        "Without rules the limits of the plans hold.",
        "See plans",
        "admin:accounts_plan_changelist",
    ),
}


def empty_state_of(label: str) -> EmptyState | None:
    """Of the list of a model, by its label; None where nothing is known of it or its page not installed."""
    if label not in _STATES:
        return None
    sentence, title, page = _STATES[label]
    try:
        return EmptyState(sentence, title, reverse(page))
    except NoReverseMatch:
        return None
