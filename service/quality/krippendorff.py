"""Krippendorff's alpha by the library `krippendorff`, as `service.quality.agreement` asks for it."""

from collections.abc import Sequence

import krippendorff


def alpha(counts: Sequence[Sequence[int]]) -> float | None:
    """Alpha for nominal values; None where it is not defined. See `agreement.Alpha`."""
    pairable = [row for row in counts if sum(row) > 1]
    values = {place for row in pairable for place, count in enumerate(row) if count}
    if len(values) < 2:
        return None
    return float(krippendorff.alpha(value_counts=pairable, level_of_measurement="nominal"))
