from django.urls import path

from qipan.rooms.geography.web import AreaPage, Areas

urlpatterns = [
    path("areas/", Areas.as_view(), name="areas"),
    path("areas/<slug:code>/", AreaPage.as_view(), name="area"),
]
