"""What quality needs of the record store, put together from its parts: `quality.ports.QualityStore` on SQL."""

from service.adapters.sql_counts import SqlCounts
from service.adapters.sql_golden import SqlGolden
from service.adapters.sql_opinions import SqlOpinions
from service.adapters.sql_samples import SqlSamples


class SqlQuality(SqlCounts, SqlSamples, SqlOpinions, SqlGolden):
    """Counts, the prevalence sample, people's decisions and golden items; made by `SqlQuality.beside(store)`."""
