from django.urls import path

from qipan.rooms.command.web.board import Board
from qipan.rooms.command.web.indicator_pages import IndicatorPage, Indicators

urlpatterns = [
    path("", Board.as_view(), name="board"),
    path("indicators/", Indicators.as_view(), name="indicators"),
    path("indicators/<str:indicator>/", IndicatorPage.as_view(), name="indicator"),
]
