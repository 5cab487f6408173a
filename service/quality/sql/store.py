"""Every store of `service.quality.ports` on SQL, put together from its parts."""

from service.quality.sql.counts import SqlCounts
from service.quality.sql.golden import SqlGolden
from service.quality.sql.opinions import SqlOpinions
from service.quality.sql.samples import SqlSamples


class SqlQuality(SqlCounts, SqlSamples, SqlOpinions, SqlGolden):
    """Counts, the prevalence sample, people's decisions and golden items; made by `SqlQuality.beside(store)`."""
