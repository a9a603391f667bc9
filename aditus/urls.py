"""Every door of the house."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from aditus.liveness import healthz, readyz, watchz
from aditus.metrics.views import metrics
from console.providers import api_keys, catalogue

api_v1 = [
    path("", include("accounts.urls")),
    path("", include("providers.api.urls")),
    path("", include("usage.api.urls")),
    path("", include("orchestration.api.urls")),
    path("", include("extraction.api.urls")),
    path("", include("drafting.api.urls")),
]

# Pages of the console that belong to no model, or to an app that may not know the one they are about.
console_pages = [
    path("admin/api-keys", admin.site.admin_view(api_keys.page), name="api_keys"),
    path("admin/api-keys/", RedirectView.as_view(pattern_name="api_keys", query_string=True)),
    path("admin/api-keys/<int:config_id>/rotate", admin.site.admin_view(api_keys.rotate), name="rotate_key"),
    path(
        "admin/model-catalogue",
        admin.site.admin_view(catalogue.model_catalogue),
        name="model_catalogue",
    ),
    path(
        "admin/provider-use/<int:config_id>",
        admin.site.admin_view(catalogue.provider_use),
        name="provider_use",
    ),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("docs", RedirectView.as_view(pattern_name="docs")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("watchz", watchz, name="watchz"),
    path("metrics", metrics, name="metrics"),
    *console_pages,
    path("admin/", admin.site.urls),
    path("api/v1/", include((api_v1, "v1"), namespace="v1")),
    path("v1/", include(("orchestration.door.urls", "door"), namespace="door")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]

handler400 = "aditus.exceptions.bad_request"
handler403 = "aditus.exceptions.permission_denied"
handler404 = "aditus.exceptions.not_found"
handler500 = "aditus.exceptions.server_error"
