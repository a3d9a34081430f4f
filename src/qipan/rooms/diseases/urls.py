from django.urls import path

from qipan.rooms.diseases.web import (
    RulebookPage,
    RulebookPublish,
    Rulebooks,
    RulebookText,
    RuleTableAdd,
    RuleTables,
)

urlpatterns = [
    path("rulebooks/", Rulebooks.as_view(), name="rulebooks"),
    path("rulebooks/publish/", RulebookPublish.as_view(), name="rulebook-publish"),
    path("rulebooks/tables/", RuleTables.as_view(), name="rule-tables"),
    path("rulebooks/tables/add/", RuleTableAdd.as_view(), name="rule-table-add"),
    path("rulebooks/<slug:rulebook>/", RulebookPage.as_view(), name="rulebook"),
    path("rulebooks/<slug:rulebook>/file/", RulebookText.as_view(), name="rulebook-text"),
]
