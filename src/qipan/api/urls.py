from django.urls import path

from qipan.api.assembly import api
from qipan.api.reference import Reference

urlpatterns = [
    path("api/v1/docs", Reference.as_view(), name="api-docs"),
    path("api/v1/", api.urls),
]
