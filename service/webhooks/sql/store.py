"""The record store's part that keeps webhooks: every store of `webhooks.ports`, put together from its parts."""

from service.webhooks.sql.deliveries import SqlDeliveries
from service.webhooks.sql.endpoints import SqlEndpoints


class SqlWebhooks(SqlEndpoints, SqlDeliveries):
    """Endpoints, events and deliveries in one SQL database; made by `SqlWebhooks.beside(store)`."""
