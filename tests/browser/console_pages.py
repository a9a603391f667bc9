"""Every page of the console by its name in the URL patterns: where it is, or why no test looks at it."""

from datetime import timedelta
from fnmatch import fnmatch
from uuid import UUID

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Plan, RetentionRule, User
from accounts.personal_tokens import create
from aditus.urls import console_pages
from console.providers.sections import SECTIONS
from orchestration.models import Batch, BatchItem, Experiment, TaskPolicy
from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from providers.stored_prompts import add_version
from providers.tasks import prompt_of, task_type
from usage.alerts.judging import check
from usage.models import AlertChannel, AlertThresholds, QuotaCounter, QuotaRule

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
    "home_verdict": "a part of the home",
    "usage_propose_experiment": "takes a form and leads to the experiment",
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
    "prompt_experiment": "takes a form and leads to the experiment",
    "save_view": "takes a form and leads back",
    "delete_view": "takes a form and leads back",
    "end_login": "takes a form and leads back",
    "end_token": "takes a form and leads back",
    "sign_person_out": "takes a form and leads back",
    "usage_alert_acknowledge": "takes a form and leads back",
    "usage_alert_mute": "takes a form and leads back",
    "usage_alert_resolve": "takes a form and leads back",
    "usage_alert_unmute": "takes a form and leads back",
    "usage_alertchannel_test": "takes a form and leads back",
    "usage_alert_add": "read-only",
    "usage_alertdelivery_add": "read-only",
    "usage_quotacounter_add": "read-only",
    "usage_aiproviderusagelog_add": "read-only",
    "extraction_jobposting_add": "read-only",
    "orchestration_batch_add": "read-only",
    "drafting_masterprofile_add": "read-only",
    "drafting_draft_add": "read-only",
}

OF_A_ROW = ("change", "delete", "history")


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
    of_rows = _rows_of_further()
    me = User.objects.get(role="SUPER_ADMIN")
    of_models = {
        f"{_name_of(model)}_{page}"
        for model in admin.site._registry
        for page in ("changelist", "add", "change")
    }
    return [
        *(_address(name) for name in looked_at() if name not in {*of_models, *of_rows}),
        *map(address_of, of_rows),
        f"{_address('prompt_version', 'cover_letter', 'warmer')}?beside=standard",
        _address("accounts_user_change", me.pk),
        _address("providers_aiproviderconfig_delete", default.pk),
        *(
            f"{_address('providers_aiproviderconfig_change', default.pk)}?section={section}"
            for section in SECTIONS
        ),
        _address("providers_aiproviderconfig_history", default.pk),
        _address("accounts_user_delete", person.pk),
        _address("usage_quotacounter_history", QuotaCounter.objects.first().pk),
        f"{_address('usage_statistics')}?provider={default.pk}",
        f"{_address('providers_aiproviderconfig_changelist')}?q=nothing+is+called+this",
        "/admin/nothing/here/",
    ]


def address_of(name):
    """Where the page of this name is; of those about a row, for a row that has something to show."""
    rows = {f"{_name_of(model)}_{page}": model for model in admin.site._registry for page in OF_A_ROW}
    if name in (further := _rows_of_further()):
        return _address(name, *further[name])
    return _address(name, _row_of(rows[name]).pk) if name in rows else _address(name)


PAGES = {"lists": lists, "forms": forms, "further": further}


def furnish_rows():
    """What an installation has beside what `furnish` gives it."""
    create(user=User.objects.first(), name="Notebook", tasks=["extraction"], actor=Actor.system())
    QuotaRule.objects.create(
        plan=Plan.objects.first(), task="extraction", unit="tokens", period="day", limit=5000
    )
    TaskPolicy.objects.create(task="extraction", votes=2)
    # Of an id that is no number by chance, where pages show its beginning.
    batch_id = UUID("b7c0ffee-0000-4000-8000-000000000001")
    batch = Batch.objects.create(id=batch_id, user=User.objects.first(), kind="extract", economy=True)
    BatchItem.objects.create(batch=batch, number=1, given={}, state="failed", status=422)
    texts = {name: text.text for name, text in prompt_of("cover_letter").texts.items()}
    add_version(
        actor=Actor.system(),
        task=task_type("cover_letter"),
        version="warmer",
        based_on="standard",
        about="With more warmth.",
        texts=texts | {"repair_system": "You correct texts warmly."},
    )
    RetentionRule.objects.create(kind="drafts", days=730)
    AlertThresholds.objects.create(error_rate_percent=5)
    AlertChannel.objects.create(name="On call", form="email", recipients="ops@example.com")
    # A row of its own: what the pages show of alerts that stand is judged anew by whoever looks.
    AIProviderConfig.objects.create(
        provider_type="openai",
        model_name="gpt-5-mini",
        api_key_encrypted=SealedValue.seal("sk-test-00000000"),
        key_expires_at=timezone.now() + timedelta(days=3),
        display_name="Expiring",
    )
    check(now=timezone.now())
    experiment = Experiment.objects.create(name="Which model reads best", task="extraction")
    experiment.arms.create(name="as it is")
    experiment.arms.create(name="ours", provider_config=AIProviderConfig.objects.get(is_default=True))


def _rows_of_further():
    """What the addresses of `further` that are about a row are made with."""
    default, person = AIProviderConfig.objects.get(is_default=True), _row_of(User)
    running = Experiment.objects.get(status="running")
    return {
        "auth_user_password_change": (person.pk,),
        "providers_aiproviderconfig_prices": (default.pk,),
        "providers_aiproviderconfig_try": (default.pk,),
        **dict.fromkeys(
            ("prompt_version", "prompt_new", "prompt_try", "prompt_use"), ("cover_letter", "warmer")
        ),
        "orchestration_experiment_results": (running.pk,),
        "orchestration_experiment_stop": (running.pk,),
    }


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
