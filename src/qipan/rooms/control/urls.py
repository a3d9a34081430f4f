from django.urls import path

from qipan.rooms.control.web.appeals import AppealAnswer, AppealOpen, AppealPage, Appeals
from qipan.rooms.control.web.deciding import DecisionPage
from qipan.rooms.control.web.evidence import EvidencePage, EvidenceRecord, EvidenceVoid
from qipan.rooms.control.web.orders import OrderPage, Orders
from qipan.rooms.control.web.replays import ReplayPage, Replays
from qipan.rooms.control.web.resident import Resident

urlpatterns = [
    path("orders/", Orders.as_view(), name="orders"),
    path("orders/<int:order_id>/", OrderPage.as_view(), name="order"),
    path("orders/<int:order_id>/appeal/", AppealOpen.as_view(), name="appeal-open"),
    path("appeals/", Appeals.as_view(), name="appeals"),
    path("appeals/<int:appeal_id>/", AppealPage.as_view(), name="appeal"),
    path("appeals/<int:appeal_id>/answer/", AppealAnswer.as_view(), name="appeal-decide"),
    path("decisions/<str:code>/", DecisionPage.as_view(), name="decision"),
    path("decisions/<str:code>/record/", EvidenceRecord.as_view(), name="evidence-record"),
    path("decisions/<str:code>/record/<slug:kind>/", EvidenceRecord.as_view(), name="evidence-record-kind"),
    path("evidence/<int:evidence_id>/", EvidencePage.as_view(), name="evidence"),
    path("evidence/<int:evidence_id>/take-back/", EvidenceVoid.as_view(), name="evidence-void"),
    path("replays/", Replays.as_view(), name="replays"),
    path("replays/<int:job_id>/", ReplayPage.as_view(), name="replay"),
    path("r/<str:token>/", Resident.as_view(), name="resident"),
]
