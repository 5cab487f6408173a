"""The use cases of review and appeals together, as a front hands them over. Standard library only."""

from dataclasses import dataclass

from service.review.appealing import Appealing
from service.review.reviewing import Reviewing


@dataclass(frozen=True, slots=True)
class Casework:
    """What people do with cases and appeals."""

    reviewing: Reviewing
    appealing: Appealing
