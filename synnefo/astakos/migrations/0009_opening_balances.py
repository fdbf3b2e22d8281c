"""Usage that was counted before there was a ledger becomes its opening balance; clients that are components
are known by their id."""

from django.db import migrations

_OPENING = """
INSERT INTO astakos_provisionlog
    (holder, source, resource, quantity, name, client, accepted, "limit", usage_min, usage_max, issued, settled)
SELECT h.holder, h.source, h.resource, h.usage_min - COALESCE(leaving.total, 0) - COALESCE(noted.total, 0),
    'opening balance', '', true, h."limit", h.usage_min, h.usage_max, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
FROM astakos_holding h
LEFT JOIN (
    SELECT holder, source, resource, SUM(quantity) AS total FROM astakos_provisionlog
    WHERE accepted GROUP BY holder, source, resource
) noted ON noted.holder = h.holder AND noted.source = h.source AND noted.resource = h.resource
LEFT JOIN (
    SELECT holder, source, resource, SUM(quantity) AS total FROM astakos_provision
    WHERE quantity < 0 GROUP BY holder, source, resource
) leaving ON leaving.holder = h.holder AND leaving.source = h.source AND leaving.resource = h.resource
WHERE h.usage_min - COALESCE(leaving.total, 0) - COALESCE(noted.total, 0) <> 0
"""


def _know_components(apps, schema_editor):
    commissions = apps.get_model("astakos", "Commission").objects
    log = apps.get_model("astakos", "ProvisionLog").objects
    for pk, name in apps.get_model("astakos", "Component").objects.values_list("pk", "name"):
        commissions.filter(client=name).update(client=f"component:{pk}")
        log.filter(client=name).update(client=f"component:{pk}")


class Migration(migrations.Migration):
    dependencies = [("astakos", "0008_directory_roles_keys")]

    operations = [
        migrations.RunSQL(_OPENING, migrations.RunSQL.noop),
        migrations.RunPython(_know_components, migrations.RunPython.noop),
    ]
