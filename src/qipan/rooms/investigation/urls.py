from django.urls import path

from qipan.rooms.investigation.web.acts import CaseAdd, CaseConfirm, CaseDiscard, ContactAdd
from qipan.rooms.investigation.web.case import CasePage
from qipan.rooms.investigation.web.cases import Cases
from qipan.rooms.investigation.web.chains import ChainsPage, ChainsSvg
from qipan.rooms.investigation.web.contacts import Contacts

urlpatterns = [
    path("cases/", Cases.as_view(), name="cases"),
    path("cases/add/", CaseAdd.as_view(), name="case-add"),
    path("cases/<int:case_id>/", CasePage.as_view(), name="case"),
    path("cases/<int:case_id>/confirm/", CaseConfirm.as_view(), name="case-confirm"),
    path("cases/<int:case_id>/discard/", CaseDiscard.as_view(), name="case-discard"),
    path("cases/<int:case_id>/contacts/add/", ContactAdd.as_view(), name="contact-add"),
    path("contacts/", Contacts.as_view(), name="contacts"),
    path("chains/", ChainsPage.as_view(), name="chains"),
    path("chains.svg", ChainsSvg.as_view(), name="chains-svg"),
]
