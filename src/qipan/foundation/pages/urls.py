"""The foundation's own desks: imports, log, jobs."""

from django.urls import path

from qipan.foundation.pages.imports.acts import ImportRejects, ImportResume, ImportVoid
from qipan.foundation.pages.imports.choosing import ImportNew, ImportTemplate
from qipan.foundation.pages.imports.listing import ImportPage, Imports
from qipan.foundation.pages.imports.wizard import ImportPreview, ImportRead, ImportRun
from qipan.foundation.pages.jobs.views import JobCancel, JobPage, JobRetry, Jobs, JobStart
from qipan.foundation.pages.log.views import Log, LogEntry, LogExport

urlpatterns = [
    path("imports/", Imports.as_view(), name="imports"),
    path("imports/new/", ImportNew.as_view(), name="import-new"),
    path("imports/template/<slug:kind>.<slug:form>", ImportTemplate.as_view(), name="import-template"),
    path("imports/file/<slug:token>/", ImportRead.as_view(), name="import-read"),
    path("imports/file/<slug:token>/preview/", ImportPreview.as_view(), name="import-preview"),
    path("imports/running/<int:job_id>/", ImportRun.as_view(), name="import-run"),
    path("imports/<int:batch_id>/", ImportPage.as_view(), name="import"),
    path("imports/<int:batch_id>/rejects/", ImportRejects.as_view(), name="import-rejects"),
    path("imports/<int:batch_id>/resume/", ImportResume.as_view(), name="import-resume"),
    path("imports/<int:batch_id>/void/", ImportVoid.as_view(), name="import-void"),
    path("log/", Log.as_view(), name="log"),
    path("log/export/", LogExport.as_view(), name="log-export"),
    path("log/<int:seq>/", LogEntry.as_view(), name="log-entry"),
    path("jobs/", Jobs.as_view(), name="jobs"),
    path("jobs/start/<str:kind>/", JobStart.as_view(), name="job-start"),
    path("jobs/<int:job_id>/", JobPage.as_view(), name="job"),
    path("jobs/<int:job_id>/cancel/", JobCancel.as_view(), name="job-cancel"),
    path("jobs/<int:job_id>/retry/", JobRetry.as_view(), name="job-retry"),
]
