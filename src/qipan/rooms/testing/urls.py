from django.urls import path

from qipan.rooms.testing.web.acts import RecordResult, VoidResult
from qipan.rooms.testing.web.results import ResultPage, Results

urlpatterns = [
    path("tests/", Results.as_view(), name="test-results"),
    path("tests/record/", RecordResult.as_view(), name="test-record"),
    path("tests/<int:result_id>/", ResultPage.as_view(), name="test-result"),
    path("tests/<int:result_id>/void/", VoidResult.as_view(), name="test-void"),
]
