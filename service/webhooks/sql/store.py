"""The part of the record store for webhooks: every store of `webhooks.ports`, combined."""

from service.webhooks.sql.deliveries import SqlDeliveries
from service.webhooks.sql.endpoints import SqlEndpoints


class SqlWebhooks(SqlEndpoints, SqlDeliveries):
    """Endpoints, events and deliveries in one SQL database; made by `SqlWebhooks.beside(store)`."""
