from django.urls import path

from extraction.api.views import (
    ExtractBatchView,
    ExtractView,
    JobDetailView,
    JobFeedbackView,
    JobListView,
    ValidateImageView,
)

urlpatterns = [
    path("job-extractor/extract", ExtractView.as_view(), name="job-extract"),
    path("job-extractor/batches", ExtractBatchView.as_view(), name="job-extract-batch"),
    path("job-extractor/validate-image", ValidateImageView.as_view(), name="job-validate-image"),
    path("jobs", JobListView.as_view(), name="job-list"),
    path("jobs/<int:pk>", JobDetailView.as_view(), name="job-detail"),
    path("jobs/<int:pk>/feedback", JobFeedbackView.as_view(), name="job-feedback"),
]
