"""The record store's part that keeps webhooks: `webhooks.ports.WebhookStore`, put together from its parts."""

from service.adapters.sql_webhook_deliveries import SqlDeliveries
from service.adapters.sql_webhook_endpoints import SqlEndpoints


class SqlWebhooks(SqlEndpoints, SqlDeliveries):
    """Endpoints, events and deliveries in one SQL database; made by `SqlWebhooks.beside(store)`."""
