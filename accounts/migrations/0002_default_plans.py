"""Adds the four plans. Existing rows: a plan that is already there keeps its figures."""

from django.db import migrations

PLANS = [
    {"slug": "freemium", "name": "Freemium", "daily_token_limit": 10_000, "is_default": True},
    {"slug": "paygo", "name": "Pay as you go"},
    {"slug": "pro_monthly", "name": "Pro, monthly", "daily_token_limit": 1_000_000},
    {"slug": "pro_annual", "name": "Pro, annual", "daily_token_limit": 1_000_000},
]


def add_plans(apps, schema_editor):
    plan_model = apps.get_model("accounts", "Plan")
    for plan in PLANS:
        plan_model.objects.get_or_create(slug=plan["slug"], defaults=plan)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(add_plans, migrations.RunPython.noop)]
