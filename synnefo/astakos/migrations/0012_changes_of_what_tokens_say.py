"""PostgreSQL tells whoever listens that what tokens say may have changed (see ``accounts.memory``)."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION astakos_identities_changed() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NOTIFY synnefo_identities; RETURN NULL; END $$
"""
TRIGGER = """
CREATE TRIGGER identities_changed AFTER {events} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION astakos_identities_changed()
"""
#: A token that is new nobody remembers; that one was used, and the like, changes nothing.
EVENTS = {
    "astakos_token": (
        "DELETE OR UPDATE OF digest, user_id, project_id, scope, only_roles, services, confined, read_only, expires"
    ),
    "astakos_user": (
        "DELETE OR UPDATE OF uuid, username, is_active, terms_due, is_superuser, default_project"
    ),
    "astakos_project": "DELETE OR UPDATE OF uuid, state",
    "astakos_membership": "INSERT OR DELETE OR UPDATE",
    "astakos_assignment": "INSERT OR DELETE OR UPDATE",
    "astakos_user_groups": "INSERT OR DELETE OR UPDATE",
    "auth_group": "DELETE OR UPDATE",
}


def tell(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(FUNCTION)
    for table, events in EVENTS.items():
        schema_editor.execute(TRIGGER.format(table=table, events=events))


def tell_no_more(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION astakos_identities_changed() CASCADE")


class Migration(migrations.Migration):
    dependencies = [
        ("astakos", "0011_mails_and_account_states"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(tell, tell_no_more)]
