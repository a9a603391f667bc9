"""Every page of the console by its name in the URL patterns: where it is, or why no test looks at it."""

from fnmatch import fnmatch

from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.audit import Actor
from accounts.models import Plan, User
from accounts.personal_tokens import create
from aditus.urls import console_pages
from orchestration.models import Experiment, TaskPolicy
from providers.models import AIProviderConfig
from usage.models import QuotaCounter, QuotaRule

# A name may be a pattern of fnmatch.
LEFT_OUT = {
    "login": "test_the_way_in",
    "logout": "test_the_way_in",
    "enrol": "test_the_way_in",
    "confirm": "test_the_way_in",
    "backup_codes": "takes a form; test_the_way_in sees the page it answers with",
    "remove_second_factor": "takes a form and leads back to security",
    "sign_out_everywhere": "takes a form and leads to the log-in",
    "rotate_key": "takes a form and leads back to the API keys",
    "providers_aiproviderconfig_do": "takes a form and leads back",
    "providers_aiproviderconfig_check": "JSON",
    "usage_panel": "JSON",
    "usage_panel_csv": "CSV",
    "model_catalogue": "JSON",
    "provider_use": "JSON",
    "orchestration_experiment_panel": "JSON",
    "orchestration_experiment_panel_csv": "CSV",
    "orchestration_experiment_start": "asks as orchestration_experiment_stop does",
    "orchestration_experiment_promote": "asks as orchestration_experiment_stop does",
    "orchestration_probe": "takes a form and leads back",
    "autocomplete": "JSON",
    "jsi18n": "a script",
    "search": "a part of a page; test_what_opens_over_a_page",
    "view_on_site": "leads to pages that do not exist",
    "password_change_done": "one sentence in the frame of every page",
    "app_list": "no page leads there",
    "*_history": "two templates; FURTHER has one of each",
    "*_delete": "two templates; FURTHER has one of each",
    "accounts_auditentry_add": "read-only",
    "accounts_personaltoken_add": "read-only",
    "usage_quotacounter_add": "read-only",
    "usage_aiproviderusagelog_add": "read-only",
    "extraction_jobposting_add": "read-only",
    "drafting_masterprofile_add": "read-only",
    "drafting_draft_add": "read-only",
}


def names(patterns=None):
    """The names of all URL patterns of the console, without those that only redirect."""
    if patterns is None:
        patterns = [*console_pages, *admin.site.get_urls()]
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from names(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def looked_at():
    """The names of all pages but those in LEFT_OUT: whatever is registered anew is among them."""
    return [name for name in names() if not any(fnmatch(name, left_out) for left_out in LEFT_OUT)]


def stale_reasons():
    """What LEFT_OUT still names although no page is called so."""
    known = list(names())
    return [left_out for left_out in LEFT_OUT if not any(fnmatch(name, left_out) for name in known)]


def lists():
    return [_address(name) for name in looked_at() if name.endswith("_changelist")]


def forms():
    """The form for a new row of each model, and that of one row."""
    rows = {f"{_name_of(model)}_change": model for model in admin.site._registry}
    adds = [_address(name) for name in looked_at() if name.endswith("_add")]
    return [*adds, *(_address(name, _row_of(rows[name]).pk) for name in looked_at() if name in rows)]


def further():
    """The pages that belong to no model, and those that a button on a model's page leads to."""
    default, person = AIProviderConfig.objects.get(is_default=True), _row_of(User)
    me = User.objects.get(role="SUPER_ADMIN")
    of_models = {
        f"{_name_of(model)}_{page}"
        for model in admin.site._registry
        for page in ("changelist", "add", "change")
    }
    of_rows = {
        "auth_user_password_change": person.pk,
        "orchestration_experiment_results": Experiment.objects.get(status="running").pk,
        "orchestration_experiment_stop": Experiment.objects.get(status="running").pk,
    }
    return [
        *(_address(name) for name in looked_at() if name not in {*of_models, *of_rows}),
        *(_address(name, pk) for name, pk in of_rows.items()),
        _address("accounts_user_change", me.pk),
        _address("providers_aiproviderconfig_delete", default.pk),
        _address("providers_aiproviderconfig_history", default.pk),
        _address("accounts_user_delete", person.pk),
        _address("usage_quotacounter_history", QuotaCounter.objects.first().pk),
        f"{_address('usage_statistics')}?provider={default.pk}",
        f"{_address('providers_aiproviderconfig_changelist')}?q=nothing+is+called+this",
        "/admin/nothing/here/",
    ]


PAGES = {"lists": lists, "forms": forms, "further": further}


def furnish_rows():
    """What an installation has beside what `furnish` gives it."""
    Group.objects.create(name="Auditors")
    create(user=User.objects.first(), name="Notebook", tasks=["extraction"], actor=Actor.system())
    QuotaRule.objects.create(
        plan=Plan.objects.first(), task="extraction", unit="tokens", period="day", limit=5000
    )
    TaskPolicy.objects.create(task="extraction", votes=2)
    experiment = Experiment.objects.create(name="Which model reads best", task="extraction")
    experiment.arms.create(name="as it is")
    experiment.arms.create(name="ours", provider_config=AIProviderConfig.objects.get(is_default=True))


def _name_of(model):
    return f"{model._meta.app_label}_{model._meta.model_name}"


def _row_of(model):
    if model is User:
        # On one's own page less can be changed.
        return User.objects.exclude(role="SUPER_ADMIN").first()
    row = model._default_manager.first()
    assert row, f"no {model._meta.verbose_name} to show: give furnish one"
    return row


def _address(name, *args):
    own = {pattern.name for pattern in console_pages}
    return reverse(name if name in own else f"admin:{name}", args=args)
