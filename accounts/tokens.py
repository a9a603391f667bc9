"""Access and refresh tokens that can be revoked and that carry the moment of the second factor."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import User
from accounts.step_up import CLAIM

VERSION_CLAIM = "ver"


def issue_pair(*, user: User, verified_at: int | None) -> dict[str, str]:
    """A new access and refresh token; `verified_at` is when the second factor was shown (Unix seconds)."""
    refresh = RefreshToken.for_user(user)
    _stamp(refresh, user, verified_at)
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


def issue_access(*, user: User, verified_at: int) -> str:
    """A new access token alone, for a step-up."""
    access = AccessToken.for_user(user)
    _stamp(access, user, verified_at)
    return str(access)


def is_revoked(token: Any, user: User) -> bool:
    """Whether the user was signed out everywhere since `token` was issued."""
    return bool(token.get(VERSION_CLAIM, 0) != user.token_version)


def _stamp(token: Any, user: User, verified_at: int | None) -> None:
    token[VERSION_CLAIM] = user.token_version
    if verified_at is not None:
        token[CLAIM] = verified_at


class RevocableJWTAuthentication(JWTAuthentication):
    """simplejwt's, with the same one query; refuses what was issued before the user signed out everywhere."""

    def get_user(self, validated_token: Any) -> User:  # type: ignore[override]
        user = cast(User, super().get_user(validated_token))
        if is_revoked(validated_token, user):
            raise AuthenticationFailed("This login has been ended. Log in again.", code="token_revoked")
        return user


class RevocableJWTScheme(SimpleJWTScheme):
    """What the OpenAPI schema says about it."""

    target_class = "accounts.tokens.RevocableJWTAuthentication"
