from django.urls import path

from qipan.api.assembly import api

urlpatterns = [path("api/v1/", api.urls)]
