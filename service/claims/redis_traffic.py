"""How often posts repeat each claim, counted in Redis by all workers and fronts together.

One hash for each window of Redis's own time: posts judged, and repeats by claim id. The last two, one of them
under way, are the recent time; the 24 before are the usual.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.claims.traffic import EARLIER, LATELY, SurgeLimits, Traffic
from service.storage.redis_connection import RedisConnection

_COUNTS, _SURGE = "assay:traffic:", "assay:surge:"

# KEYS: prefix of the counts. ARGV: milliseconds of a window, fewest repeats of a surge, posts, then each claim and its
# repeats.
# Returns recent and earlier posts, then id, recent and earlier repeats of each claim that has enough repeats.
_COUNT = f"""
local time, window, fewest = redis.call('TIME'), tonumber(ARGV[1]), tonumber(ARGV[2])
local present = math.floor((time[1] * 1000 + math.floor(time[2] / 1000)) / window)

local function counted(field, newest, oldest)
    local sum = 0
    for age = newest, oldest do
        sum = sum + (redis.call('HGET', KEYS[1] .. present - age, field) or 0)
    end
    return sum
end

local function both(field)
    return counted(field, 0, {LATELY - 1}), counted(field, {LATELY}, {LATELY + EARLIER - 1})
end

redis.call('HINCRBY', KEYS[1] .. present, '', ARGV[3])
redis.call('PEXPIRE', KEYS[1] .. present, window * {LATELY + EARLIER})
local answer = {{both('')}}
for at = 4, #ARGV, 2 do
    local repeats = redis.call('HINCRBY', KEYS[1] .. present, ARGV[at], ARGV[at + 1])
    if repeats + counted(ARGV[at], 1, {LATELY - 1}) >= fewest then
        answer[#answer + 1] = ARGV[at]
        answer[#answer + 1], answer[#answer + 2] = both(ARGV[at])
    end
end
return answer
"""

_MARK = """
local new = {}
for number, key in ipairs(KEYS) do
    new[number] = redis.call('SET', key, '', 'PX', ARGV[1], 'NX') and 1 or 0
    redis.call('PEXPIRE', key, ARGV[1])
end
return new
"""


class RedisClaimTraffic:
    """A `ClaimTraffic` in windows of `window` seconds. A surge is over when the claim was usual for 24 of them."""

    def __init__(self, connection: RedisConnection, *, window: float, limits: SurgeLimits) -> None:
        self._breaker = connection.breaker
        self._window, self._limits = max(1, round(window * 1000)), limits
        self._count = connection.client.register_script(_COUNT)
        self._mark = connection.client.register_script(_MARK)

    async def surging(self, repeated: Mapping[str, int], posts: int) -> list[str]:
        """See `ClaimTraffic`. One round trip, and one more when a claim surges."""
        counts = [value for pair in repeated.items() for value in pair]
        with self._breaker:
            answer = await self._count(keys=[_COUNTS], args=[self._window, self._limits.posts, posts, *counts])
        surging = [claim for claim, traffic in _traffic(answer) if self._limits.surges(traffic)]
        return await self._new(surging) if surging else []

    async def _new(self, surging: list[str]) -> list[str]:
        with self._breaker:
            new = await self._mark(keys=[_SURGE + claim for claim in surging], args=[EARLIER * self._window])
        return [claim for claim, first in zip(surging, new, strict=True) if first]


def _traffic(answer: Sequence[Any]) -> list[tuple[str, Traffic]]:
    posts, earlier, *claims = answer
    found = zip(claims[::3], claims[1::3], claims[2::3], strict=True)
    return [(claim.decode(), Traffic(posts, now, earlier, before)) for claim, now, before in found]
