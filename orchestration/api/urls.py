from django.urls import path

from orchestration.api.health import HealthView

urlpatterns = [
    path("super-admin/providers/health", HealthView.as_view(), name="provider-health"),
]
