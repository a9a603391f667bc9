"""People, what they may do, and the plan they are on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password, verify_password
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property

from accounts.calendars import Calendar
from accounts.errors import DomainError
from accounts.hashing import room_for_a_hash
from accounts.models.limits import cost_limit


def validate_time_zone(name: str) -> None:
    """ValidationError for what is not a name of the IANA time zone database."""
    if name not in available_timezones():
        raise ValidationError("Enter the name of a time zone, such as Europe/Berlin.")


class Role(models.TextChoices):
    USER = "USER", "User"
    STAFF = "STAFF", "Staff"
    SUPER_ADMIN = "SUPER_ADMIN", "Super-admin"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user; ValueError when the email is empty."""
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """For `manage.py createsuperuser`; in the audit trail as such."""
        from accounts import audit  # late: it is made of these models

        fields.setdefault("role", Role.SUPER_ADMIN)
        # Hashed first, because a transaction cannot let go of its connection meanwhile.
        password_hash = self.model(email=email)
        password_hash.set_password(password)
        with transaction.atomic():
            user = self.create_user(email, None, **fields)
            user.password = password_hash.password
            user.save(update_fields=["password"])
            audit.record(
                action="user.created",
                actor=audit.Actor.of_command("createsuperuser"),
                target=user,
                changes=audit.changes_between({}, {"email": user.email, "role": user.role}),
            )
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Logs in by email, kept in lower case so that one address is one account. `role` is the one thing to
    set; Django's two flags follow from it."""

    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.USER)
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="Daily and monthly quotas start anew at midnight there, as in Europe/Berlin.",
    )
    # Days and months of zones the account was in before: see `Calendar.kept`.
    kept_quota_windows = models.JSONField(default=list, blank=True, editable=False)
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField(default=False, editable=False)
    token_version = models.PositiveIntegerField(
        default=0, editable=False, help_text="Raising it ends every session and every token of the user."
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        db_table = "users"
        ordering = ["email"]
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="users_email_lower_case")
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.strip().lower()
        self.is_staff = self.role != Role.USER
        self.is_superuser = self.role == Role.SUPER_ADMIN
        update_fields = kwargs.get("update_fields")
        if update_fields is not None and "role" in update_fields:
            update_fields = {*update_fields, "is_staff", "is_superuser"}
        if self._keep_running_windows(update_fields) and update_fields is not None:
            update_fields = {*update_fields, "kept_quota_windows"}
        super().save(*args, **(kwargs | {"update_fields": update_fields}))

    def check_password(self, raw_password: str | None) -> bool:
        """As Django's. A right one whose hash was made with older settings is hashed anew, unless somebody
        set another password while this one was being checked: that one holds."""
        checked = self.password
        with room_for_a_hash():
            is_correct, is_outdated = verify_password(raw_password, checked)
            renewed = make_password(raw_password) if is_correct and is_outdated else ""
        if renewed and User.objects.filter(pk=self.pk, password=checked).update(password=renewed):
            self.password = renewed
        return is_correct

    def set_password(self, raw_password: str | None) -> None:
        with room_for_a_hash():
            super().set_password(raw_password)

    @property
    def calendar(self) -> Calendar:
        """The days and months this account's quotas are counted in."""
        return Calendar.from_json(self.time_zone, self.kept_quota_windows)

    @property
    def today(self) -> date:
        """The day it is where this person is."""
        return timezone.localdate(timezone=ZoneInfo(self.time_zone))

    def _keep_running_windows(self, update_fields: Collection[str] | None) -> bool:
        """When the time zone is about to change, see that no quota starts anew; whether it is."""
        if self.pk is None or (update_fields is not None and "time_zone" not in update_fields):
            return False
        stored = User.objects.filter(pk=self.pk).only("time_zone", "kept_quota_windows").first()
        if stored is None or stored.time_zone == self.time_zone:
            return False
        moved = stored.calendar.moved_to(self.time_zone, now=timezone.now())
        self.kept_quota_windows = moved.kept_as_json()
        return True

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether an authenticator app is in use; asked of the database once per instance."""
        return self.authenticator_set.filter(confirmed=True).exists()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Both of Django's public session hashes are made here, so a session ends with the token version.
        return salted_hmac(
            "accounts.User.session",
            f"{self.password}:{self.token_version}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


class Plan(models.Model):
    """What a user may spend. Token limits in tokens, cost limits in USD; null means no limit."""

    slug = models.SlugField(primary_key=True)
    name = models.CharField(max_length=100)
    daily_token_limit = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_token_limit = models.PositiveBigIntegerField(null=True, blank=True)
    daily_cost_limit_usd = cost_limit("daily cost limit (USD)")
    monthly_cost_limit_usd = cost_limit("monthly cost limit (USD)")
    monthly_price_usd = models.DecimalField(
        "price a month (USD)",
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What a user pays, of a year's price a twelfth. 0 is free; empty is not known.",
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Calls a user may start."
    )
    max_concurrent_calls = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)],
        help_text="Calls of one user that may be under way.",
    )  # fmt: skip
    is_default = models.BooleanField(
        "default", default=False, help_text="The plan of users who have no active subscription."
    )

    class Meta:
        db_table = "plans"
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="plans_one_default"
            )
        ]

    def __str__(self) -> str:
        return self.name


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def current(self) -> SubscriptionQuerySet:
        """Active subscriptions whose paid period, where they have one, has not ended."""
        open_ended = models.Q(current_period_end=None)
        return self.filter(
            open_ended | models.Q(current_period_end__gt=timezone.now()), status=Subscription.Status.ACTIVE
        )


class Subscription(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        CANCELLED = "cancelled", "Cancelled"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    started_at = models.DateTimeField(default=timezone.now)
    current_period_end = models.DateTimeField(null=True, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        db_table = "subscriptions"
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(status="active"), name="subscriptions_one_active_per_user"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.plan}"


class NoDefaultPlan(DomainError):
    code = "no_default_plan"
    status = 503
    message = "No plan is marked as the default. A super-admin sets one under Plans in the console."


def plan_of(user_id: int) -> Plan:
    """The plan of the user's current subscription, else the default plan (one query, or two)."""
    return plan_until(user_id)[0]


def plan_until(user_id: int) -> tuple[Plan, datetime | None]:
    """The plan, as `plan_of`, and when it ends by itself; None when it does not."""
    subscription = Subscription.objects.current().filter(user_id=user_id).select_related("plan").first()
    if subscription:
        return subscription.plan, subscription.current_period_end
    plan = Plan.objects.filter(is_default=True).first()
    if plan is None:
        raise NoDefaultPlan
    return plan, None
