from django.urls import path

from orchestration.api.health import HealthView
from orchestration.api.personal_tokens import PersonalTokenListView, PersonalTokenView

urlpatterns = [
    path("super-admin/providers/health", HealthView.as_view(), name="provider-health"),
    path("me/tokens", PersonalTokenListView.as_view(), name="personal-tokens"),
    path("me/tokens/<int:pk>", PersonalTokenView.as_view(), name="personal-token"),
]
