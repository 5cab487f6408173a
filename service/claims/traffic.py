"""When a claim surges: it is matched far more often than its usual share of the feed explains. Pure.

Its usual share is what it had in the time before, with one repeat in a hundred posts added, so that the first matches
of a new claim are no surge. Claims come and go in waves, so a share of twice the usual still counts as usual. At that
share, by Chernoff's bound on the tail of a Poisson variable X with mean m (Mitzenmacher and Upfal, Probability and
Computing, theorem 5.4), k repeats or more are no likelier than

    P(X >= k) <= exp(k - m - k * log(k / m))    for k > m

and where that is below one in a million the claim surges, if the repeats are also many and a good share of all posts.
"""

from dataclasses import dataclass
from math import log
from typing import NamedTuple

LATELY, EARLIER = 2, 24
"""Windows that are counted together: the current one with the one before it, and those before these."""

_PRIOR_POSTS, _PRIOR_REPEATS = 100, 1
_WAVE = 2.0
_IMPROBABLE = log(1e-6)


class Traffic(NamedTuple):
    """Posts judged and how many of them repeated one claim, lately and in the time before."""

    posts: int
    repeats: int
    earlier_posts: int
    earlier_repeats: int


@dataclass(frozen=True, slots=True)
class SurgeLimits:
    """A surge has at least this many repeats, which are at least this share of the posts judged lately."""

    posts: int = 100
    share: float = 0.05

    def surges(self, traffic: Traffic) -> bool:
        """Whether the claim surges."""
        if traffic.repeats < max(self.posts, self.share * traffic.posts, 1):
            return False
        usual = (traffic.earlier_repeats + _PRIOR_REPEATS) / (traffic.earlier_posts + _PRIOR_POSTS)
        return _log_tail(traffic.repeats, _WAVE * usual * traffic.posts) < _IMPROBABLE


def _log_tail(count: int, mean: float) -> float:
    """Upper bound of log P(X >= count), X a Poisson variable."""
    return count - mean - count * log(count / mean) if count > mean else 0.0
