from django.urls import path

from drafting.api.imports import ProfileImportView
from drafting.api.interview import InterviewView
from drafting.api.living import DraftDetailView, DraftDiffView, DraftRegenerateView, DraftRestoreView
from drafting.api.views import (
    CoverLetterView,
    CvBatchView,
    CvDraftView,
    DraftExportView,
    DraftFeedbackView,
    DraftListView,
    LetterBatchView,
    OwnDataView,
    ProfileDetailView,
    ProfileListView,
)

urlpatterns = [
    path("me/export", OwnDataView.as_view(), name="me-export"),
    path("profiles", ProfileListView.as_view(), name="profile-list"),
    path("profiles/import", ProfileImportView.as_view(), name="profile-import"),
    path("profiles/<int:pk>", ProfileDetailView.as_view(), name="profile-detail"),
    path("cv-drafter/draft", CvDraftView.as_view(), name="cv-draft"),
    path("cover-letter/generate", CoverLetterView.as_view(), name="cover-letter"),
    path("cv-drafter/batches", CvBatchView.as_view(), name="cv-draft-batch"),
    path("cover-letter/batches", LetterBatchView.as_view(), name="cover-letter-batch"),
    path("interview-prep/generate", InterviewView.as_view(), name="interview-prep"),
    path("drafts", DraftListView.as_view(), name="draft-list"),
    path("drafts/<int:pk>", DraftDetailView.as_view(), name="draft-detail"),
    path("drafts/<int:pk>/restore", DraftRestoreView.as_view(), name="draft-restore"),
    path("drafts/<int:pk>/regenerate", DraftRegenerateView.as_view(), name="draft-regenerate"),
    path("drafts/<int:pk>/diff", DraftDiffView.as_view(), name="draft-diff"),
    path("drafts/<int:pk>/export", DraftExportView.as_view(), name="draft-export"),
    path("drafts/<int:pk>/feedback", DraftFeedbackView.as_view(), name="draft-feedback"),
]
