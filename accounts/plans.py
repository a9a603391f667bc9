"""Which plan a user is on."""

from accounts.errors import DomainError
from accounts.models import Plan, Subscription


class NoDefaultPlan(DomainError):
    code = "no_default_plan"
    status = 503
    message = "No plan is marked as the default. A super-admin sets one under Plans in the console."


def plan_of(user_id: int) -> Plan:
    """The plan of the user's current subscription, else the default plan (one query, or two)."""
    subscription = Subscription.objects.current().filter(user_id=user_id).select_related("plan").first()
    if subscription:
        return subscription.plan
    plan = Plan.objects.filter(is_default=True).first()
    if plan is None:
        raise NoDefaultPlan
    return plan
