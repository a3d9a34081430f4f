import pytest


@pytest.fixture
def readings(monkeypatch):
    """The toy kind, known to the registry for one test."""
    from qipan.foundation.intake import kinds
    from qipan.foundation.intake.tests.toy import READINGS

    monkeypatch.setitem(kinds._kinds, READINGS.name, READINGS)
    return READINGS
