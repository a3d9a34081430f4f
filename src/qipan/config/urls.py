"""All addresses: the shell's, the foundation's desks, the rooms'."""

from django.urls import include, path

urlpatterns = [
    path("", include("qipan.web.urls")),
    path("", include("qipan.foundation.pages.urls")),
    path("", include("qipan.rooms.geography.urls")),
    path("", include("qipan.rooms.organizations.urls")),
    path("", include("qipan.rooms.persons.urls")),
    path("", include("qipan.rooms.diseases.urls")),
    path("", include("qipan.rooms.control.urls")),
    path("", include("qipan.rooms.investigation.urls")),
    path("", include("qipan.rooms.testing.urls")),
    path("", include("qipan.rooms.quarantine.urls")),
    path("", include("qipan.rooms.fieldwork.urls")),
    path("", include("qipan.rooms.command.urls")),
]

handler400 = "qipan.web.errors.bad_request"
handler403 = "qipan.web.errors.not_found"
handler404 = "qipan.web.errors.not_found"
handler500 = "qipan.web.errors.server_error"
