import pytest

from qipan.rooms.testing.rules import evidence_value, for_person
from qipan.terms.evidence import TestOutcome


@pytest.mark.parametrize("outcome", list(TestOutcome))
def test_without_a_pool_the_result_is_the_persons(outcome: TestOutcome) -> None:
    assert for_person(outcome, "") is outcome


def test_a_positive_pool_is_nobodys_positive() -> None:
    assert for_person(TestOutcome.POSITIVE, "T1") is TestOutcome.INDETERMINATE
    assert for_person(TestOutcome.NEGATIVE, "T1") is TestOutcome.NEGATIVE


def test_the_evidence_notes_the_tube_and_leaves_out_what_is_unknown() -> None:
    value = evidence_value(result=TestOutcome.POSITIVE, method="pcr", ct=31.5, pool_id="T1")
    assert value == {"result": "indeterminate", "method": "pcr", "ct": 31.5, "x_pool": "T1"}
    value = evidence_value(result=TestOutcome.NEGATIVE, method="pcr", ct=None, pool_id="")
    assert value == {"result": "negative", "method": "pcr"}
