"""All tables of the record store together: import `METADATA` from here to have them all in it."""

from service.adapters import (
    sql_audit_tables,
    sql_people_tables,
    sql_policy_tables,
    sql_quality_tables,
    sql_review_tables,
    sql_tables,
    sql_webhook_tables,
)

METADATA = sql_tables.METADATA
TABLES = (
    sql_audit_tables,
    sql_people_tables,
    sql_policy_tables,
    sql_quality_tables,
    sql_review_tables,
    sql_webhook_tables,
)
