from django.urls import path

from qipan.rooms.fieldwork.web.area_work import FieldCell, FieldCells, FieldTasks
from qipan.rooms.fieldwork.web.visits import VisitPage, Visits
from qipan.rooms.fieldwork.web.work import FieldWork, VisitRecord, VisitsSend

urlpatterns = [
    path("field/", FieldWork.as_view(), name="field-work"),
    path("field/send", VisitsSend.as_view(), name="visits-send"),
    path("field/record/<int:order_id>", VisitRecord.as_view(), name="visit-record"),
    path("field/areas/", FieldCells.as_view(), name="field-cells"),
    path("field/areas/<slug:code>/", FieldCell.as_view(), name="field-cell"),
    path("field/tasks/", FieldTasks.as_view(), name="field-tasks"),
    path("field/visits/", Visits.as_view(), name="visits"),
    path("field/visits/<int:visit_id>/", VisitPage.as_view(), name="visit"),
]
