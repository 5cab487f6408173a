"""All tables of the record store: `METADATA` imported from here has them all."""

from service.storage.tables import audit as sql_audit_tables
from service.storage.tables import people as sql_people_tables
from service.storage.tables import policy as sql_policy_tables
from service.storage.tables import quality as sql_quality_tables
from service.storage.tables import records as sql_tables
from service.storage.tables import review as sql_review_tables
from service.storage.tables import webhooks as sql_webhook_tables

METADATA = sql_tables.METADATA
TABLES = (
    sql_audit_tables,
    sql_people_tables,
    sql_policy_tables,
    sql_quality_tables,
    sql_review_tables,
    sql_webhook_tables,
)
