"""Which pages docs/images/console shows: every page that tests look at, by itself or by one of its kind.

A picture is called as its file is; docs/console.md has a section and a sentence for each.
"""

from tests.browser import console_pages, states

# The name of a page's URL, and what its address is asked with beside.
PAGES = {
    "home": ("index", ""),
    "providers": ("providers_aiproviderconfig_changelist", ""),
    "providers-none-found": ("providers_aiproviderconfig_changelist", "?q=nothing+is+called+this"),
    "provider-new": ("providers_aiproviderconfig_add", ""),
    "provider-overview": ("providers_aiproviderconfig_change", ""),
    "provider-key-and-models": ("providers_aiproviderconfig_change", "?section=keys"),
    "provider-routing": ("providers_aiproviderconfig_change", "?section=routing"),
    "provider-limits": ("providers_aiproviderconfig_change", "?section=limits"),
    "provider-prices": ("providers_aiproviderconfig_prices", ""),
    "provider-try-it": ("providers_aiproviderconfig_try", ""),
    "provider-history": ("providers_aiproviderconfig_history", ""),
    "provider-delete": ("providers_aiproviderconfig_delete", ""),
    "api-keys": ("api_keys", ""),
    "provider-health": ("orchestration_health", ""),
    "model-capabilities": ("providers_modelcapability_changelist", ""),
    "model-capability": ("providers_modelcapability_change", ""),
    "task-policies": ("orchestration_taskpolicy_changelist", ""),
    "task-policy": ("orchestration_taskpolicy_change", ""),
    "plan-tiers": ("orchestration_tiers", ""),
    "prompts": ("prompts", ""),
    "prompt-version": ("prompt_version", ""),
    "prompt-compared": ("prompt_version", "?beside=standard"),
    "prompt-new": ("prompt_new", ""),
    "prompt-try": ("prompt_try", ""),
    "prompt-use": ("prompt_use", ""),
    "experiments": ("orchestration_experiment_changelist", ""),
    "experiment": ("orchestration_experiment_change", ""),
    "experiment-results": ("orchestration_experiment_results", ""),
    "experiment-stop": ("orchestration_experiment_stop", ""),
    "usage-log": ("usage_aiproviderusagelog_changelist", ""),
    "usage-row": ("usage_aiproviderusagelog_change", ""),
    "statistics": ("usage_statistics", ""),
    "recommendations": ("usage_recommendations", ""),
    "price-list": ("usage_price_list", ""),
    "prices": ("usage_modelprice_changelist", ""),
    "price": ("usage_modelprice_change", ""),
    "alerts": ("usage_alert_changelist", ""),
    "alert": ("usage_alert_change", ""),
    "alert-channels": ("usage_alertchannel_changelist", ""),
    "alert-channel": ("usage_alertchannel_change", ""),
    "alert-deliveries": ("usage_alertdelivery_changelist", ""),
    "alert-delivery": ("usage_alertdelivery_change", ""),
    "alert-thresholds": ("usage_alertthresholds_changelist", ""),
    "alert-threshold": ("usage_alertthresholds_change", ""),
    "people": ("accounts_user_changelist", ""),
    "person-new": ("accounts_user_add", ""),
    "person": ("accounts_user_change", ""),
    "person-password": ("auth_user_password_change", ""),
    "person-delete": ("accounts_user_delete", ""),
    "access-tokens": ("accounts_personaltoken_changelist", ""),
    "access-token": ("accounts_personaltoken_change", ""),
    "plans": ("accounts_plan_changelist", ""),
    "plan": ("accounts_plan_change", ""),
    "subscriptions": ("accounts_subscription_changelist", ""),
    "subscription": ("accounts_subscription_change", ""),
    "quota-rules": ("usage_quotarule_changelist", ""),
    "quota-rule": ("usage_quotarule_change", ""),
    "quota-counters": ("usage_quotacounter_changelist", ""),
    "quota-counter": ("usage_quotacounter_change", ""),
    "quota-counter-history": ("usage_quotacounter_history", ""),
    "batches": ("orchestration_batch_changelist", ""),
    "batch": ("orchestration_batch_change", ""),
    "jobs": ("extraction_jobposting_changelist", ""),
    "job": ("extraction_jobposting_change", ""),
    "profiles": ("drafting_masterprofile_changelist", ""),
    "profile": ("drafting_masterprofile_change", ""),
    "drafts": ("drafting_draft_changelist", ""),
    "draft": ("drafting_draft_change", ""),
    "audit-trail": ("accounts_auditentry_changelist", ""),
    "audit-entry": ("accounts_auditentry_change", ""),
    "retention": ("accounts_retentionrule_changelist", ""),
    "retention-rule": ("accounts_retentionrule_change", ""),
    "own-security": ("security", ""),
    "own-password": ("password_change", ""),
}
# A page that looks as another does, and the picture that stands for both.
KIN = {
    "accounts_plan_add": "plan",
    "accounts_retentionrule_add": "retention-rule",
    "accounts_subscription_add": "subscription",
    "orchestration_experiment_add": "experiment",
    "orchestration_taskpolicy_add": "task-policy",
    "orchestration_providerprobe_changelist": "provider-health",
    "orchestration_plantasktier_changelist": "plan-tiers",
    "providers_modelcapability_add": "model-capability",
    "usage_alertchannel_add": "alert-channel",
    "usage_alertthresholds_add": "alert-threshold",
    "usage_modelprice_add": "price",
    "usage_quotarule_add": "quota-rule",
}


def names():
    return [*PAGES, *states.ALL]


def not_shown():
    """The names of pages that are looked at and have no picture, and that nothing stands for."""
    shown = {name for name, _ in PAGES.values()} | set(KIN)
    return [name for name in console_pages.looked_at() if name not in shown]


def stale():
    """What is named here although no page is called so, or no picture."""
    known = set(console_pages.names())
    pages = [name for name in (*(name for name, _ in PAGES.values()), *KIN) if name not in known]
    return pages + [picture for picture in KIN.values() if picture not in PAGES]


def address_of(picture):
    """Where the page is, with the rows that `furnish` and `furnish_rows` made."""
    name, query = PAGES[picture]
    return console_pages.address_of(name) + query
