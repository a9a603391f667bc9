from django.urls import path

from accounts.api import LogoutEverywhereView, RefreshView, StepUpView, TokenView

urlpatterns = [
    path("auth/token", TokenView.as_view(), name="auth-token"),
    path("auth/refresh", RefreshView.as_view(), name="auth-refresh"),
    path("auth/step-up", StepUpView.as_view(), name="auth-step-up"),
    path("auth/logout-everywhere", LogoutEverywhereView.as_view(), name="auth-logout-everywhere"),
]
