from django.urls import path

from orchestration.api.batches import (
    BatchCancelView,
    BatchDetailView,
    BatchListView,
    BatchResultsView,
)
from orchestration.api.health import HealthView
from orchestration.api.personal_tokens import PersonalTokenListView, PersonalTokenView

urlpatterns = [
    path("batches", BatchListView.as_view(), name="batch-list"),
    path("batches/<uuid:pk>", BatchDetailView.as_view(), name="batch-detail"),
    path("batches/<uuid:pk>/cancel", BatchCancelView.as_view(), name="batch-cancel"),
    path("batches/<uuid:pk>/results", BatchResultsView.as_view(), name="batch-results"),
    path("super-admin/providers/health", HealthView.as_view(), name="provider-health"),
    path("me/tokens", PersonalTokenListView.as_view(), name="personal-tokens"),
    path("me/tokens/<int:pk>", PersonalTokenView.as_view(), name="personal-token"),
]
