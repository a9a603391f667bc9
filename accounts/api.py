"""Logging in, staying logged in, showing the second factor, logging out."""

import time
from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import second_factor, tokens
from accounts.api_base import StrictSerializer
from accounts.audit import Actor, record_alone
from accounts.errors import DomainError
from accounts.logins import one_attempt_at_a_time, refuse_locked_out, sign_out_everywhere
from accounts.models import User
from accounts.permissions import is_super_admin
from accounts.refusals import record_refusal


class InvalidCredentials(DomainError):
    """One reply for an unknown email, a wrong password and a deactivated user, so that it tells nobody which
    addresses have an account."""

    code = "invalid_credentials"
    status = 401
    message = "The email or the password is not right. Check both and try again."


class OtpRequired(DomainError):
    code = "otp_required"
    status = 401
    message = "This account has a second factor. Send the code of the authenticator app as `otp` too."


def otp_field(*, required: bool) -> serializers.CharField:
    return serializers.CharField(
        max_length=40,
        required=required,
        write_only=True,
        help_text="Six digits of the authenticator app, or a backup code.",
    )


class CredentialsSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(
        max_length=1024, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )
    otp = otp_field(required=False)


class StepUpSerializer(StrictSerializer):
    otp = otp_field(required=True)


class RefreshSerializer(StrictSerializer):
    refresh = serializers.CharField(max_length=4096)


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="Send as `Authorization: Bearer …`; lives 30 minutes at most.")
    refresh = serializers.CharField(help_text="For `auth/refresh`; lives 7 days at most and works once.")


class AccessSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="The access token to go on with; its second factor is fresh.")


class TokenView(APIView):
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_token", tags=["auth"], request=CredentialsSerializer, responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        """Exchange an email and a password, and a code where the account has a second factor, for an access
        and a refresh token."""
        serializer = CredentialsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = by_password(request, **serializer.validated_data)
        verified_at = by_code(request, user, serializer.validated_data.get("otp"))
        # Forgets the wrong attempts and notes the moment as the last login.
        user_logged_in.send(sender=User, request=request._request, user=user)
        if is_super_admin(user):
            record_alone(action="login", actor=Actor.of_request(request, "api", user=user), target=user)
        return Response(tokens.issue_pair(user=user, verified_at=verified_at))


def by_password(request: Request, *, email: str, password: str, otp: str = "") -> User:
    """Whoever the password proves. Raises InvalidCredentials, and LockedOut after too many wrong ones."""
    with one_attempt_at_a_time(request=request._request, email=email):
        # Django's own request: the lock notes on it what it decided.
        user = authenticate(request._request, username=email, password=password)
    if user is None:
        record_refusal(request=request, door="api", action="login", reason="refused", label=email)
        refuse_locked_out(request=request._request, email=email)
        raise InvalidCredentials
    return user


def by_code(request: Request, user: User, code: str | None) -> int | None:
    """The moment of the second factor (Unix seconds); None when the account has none. Raises OtpRequired, and
    what `second_factor.verify` raises."""
    if not user.has_second_factor:
        return None
    if not code:
        raise OtpRequired
    second_factor.verify(user=user, code=code, actor=Actor.of_request(request, "api", user=user))
    return int(time.time())


class StepUpView(APIView):
    @extend_schema(
        operation_id="auth_step_up", tags=["auth"], request=StepUpSerializer, responses=AccessSerializer
    )
    def post(self, request: Request) -> Response:
        """Show the second factor again: changes to keys, deletions and roles want it fresh."""
        serializer = StepUpSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = cast(User, request.user)
        actor = Actor.of_request(request, "api")
        second_factor.verify(user=user, code=serializer.validated_data["otp"], actor=actor)
        access = tokens.step_up(user=user, token=request.auth, verified_at=int(time.time()))
        return Response({"access": access})


class LogoutEverywhereView(APIView):
    @extend_schema(operation_id="auth_logout_everywhere", tags=["auth"], request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End every session and every token of the caller, this one too."""
        sign_out_everywhere(user=cast(User, request.user), actor=Actor.of_request(request, "api"))
        return Response(status=204)


class RefreshView(APIView):
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_refresh", tags=["auth"], request=RefreshSerializer, responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair; the one sent is spent.

        A spent token that comes back ends the login at once, every token of it included. A login ends 12
        hours after it began for super-admins, 30 days for others.
        """
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(
            tokens.rotate(
                refresh=serializer.validated_data["refresh"],
                actor_for=lambda user: Actor.of_request(request, "api", user=user),
            )
        )
