from django.urls import path

from qipan.rooms.persons.web.acts import (
    IdentityOpen,
    IdentityRecord,
    LinkIssue,
    LinkRevoke,
    PersonAdd,
    PersonMove,
    PersonPurge,
    PersonSearch,
)
from qipan.rooms.persons.web.people import PersonPage, Persons

urlpatterns = [
    path("people/", Persons.as_view(), name="persons"),
    path("people/search/", PersonSearch.as_view(), name="person-search"),
    path("people/add/", PersonAdd.as_view(), name="person-add"),
    path("people/links/<int:link_id>/revoke/", LinkRevoke.as_view(), name="link-revoke"),
    path("people/<str:code>/", PersonPage.as_view(), name="person"),
    path("people/<str:code>/identity/", IdentityOpen.as_view(), name="identity-open"),
    path("people/<str:code>/identity/record/", IdentityRecord.as_view(), name="identity-record"),
    path("people/<str:code>/move/", PersonMove.as_view(), name="person-move"),
    path("people/<str:code>/purge/", PersonPurge.as_view(), name="person-purge"),
    path("people/<str:code>/link/", LinkIssue.as_view(), name="person-link"),
]
