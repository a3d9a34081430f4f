"""Stands in until its page is built."""

from django.http import HttpRequest, HttpResponse

from qipan.foundation.pages.page import Page


class Soon(Page):
    title = "soon"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show("pages/message.html", text="")
