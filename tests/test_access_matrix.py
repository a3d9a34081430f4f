import pytest
from django.db import transaction

@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    from tests.access.world import make
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), transaction.atomic():
        from tests.cast import AT
        patch.setenv("QIPAN_NOW", AT.isoformat())
        yield make()
        transaction.set_rollback(True)

def test_world(world):
    print(world.places["A"].things)
    print(world.places["B"].markers)
