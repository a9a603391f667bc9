"""Adds the tiers of the four plans: drafting runs on the quality model for people who pay. Existing rows stay."""

from django.db import migrations

QUALITY = [(plan, task) for plan in ("paygo", "pro_monthly", "pro_annual") for task in ("cv_draft", "cover_letter")]


def add_tiers(apps, schema_editor):
    tier_model = apps.get_model("orchestration", "PlanTaskTier")
    plans = set(apps.get_model("accounts", "Plan").objects.values_list("slug", flat=True))
    for plan, task in QUALITY:
        if plan in plans:
            tier_model.objects.get_or_create(plan_id=plan, task=task, defaults={"tier": "quality"})


class Migration(migrations.Migration):
    dependencies = [("orchestration", "0001_initial"), ("accounts", "0002_default_plans")]
    operations = [migrations.RunPython(add_tiers, migrations.RunPython.noop)]
