"""Evidence is append-only: never changed, deleted only when a person's rows are destroyed."""

from django.db import migrations

from qipan.foundation.audit import guard

TABLE = "control_evidence"
PURGED = "EXISTS (SELECT 1 FROM persons_person p WHERE p.id = OLD.person_id AND p.purged_at IS NOT NULL)"


def install(apps, schema_editor):
    guard.guard_table(schema_editor.connection, TABLE, allow_delete_where=PURGED, keys=("key",))


def remove(apps, schema_editor):
    guard.unguard_table(schema_editor.connection, TABLE)


class Migration(migrations.Migration):
    dependencies = [("control", "0001_initial"), ("persons", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
