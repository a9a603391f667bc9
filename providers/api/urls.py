from django.urls import URLPattern, path

from providers.api.views import ConfigDetailView, ConfigListView, ConfigTestView, UnsavedTestView


def _routes(root: str, name: str, **options: object) -> list[URLPattern]:
    return [
        path(root, ConfigListView.as_view(**options), name=name),
        path(f"{root}/test", UnsavedTestView.as_view(**options), name=f"{name}-test-unsaved"),
        path(f"{root}/<int:pk>", ConfigDetailView.as_view(**options), name=f"{name}-detail"),
        path(f"{root}/<int:pk>/test", ConfigTestView.as_view(**options), name=f"{name}-test"),
    ]


urlpatterns = [
    *_routes("super-admin/providers/configs", "provider-configs"),
    # The address of older curl examples, which the schema does not describe a second time.
    *_routes("admin/providers", "older-provider-configs", schema=None),
]
