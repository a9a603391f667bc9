from django.urls import path

from orchestration.door import views

urlpatterns = [
    path("chat/completions", views.chat_completions, name="chat-completions"),
    path("responses", views.responses, name="responses"),
    path("models", views.models, name="models"),
    path("models/<path:name>", views.model, name="model"),
]
