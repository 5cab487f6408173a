"""The budget of automatic actions in Redis, counted by all workers and fronts together.

For each UTC day of Redis's own time a set of the post versions that were acted on, so that a post which is decided
twice costs once, and a hash: when the breaker opened, and what closing it granted beyond the limit. They are kept for a
day more. The set holds at most as many posts as the budget has actions: 100 bytes each.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from service.domain.canonical import digest
from service.domain.post import PostKey
from service.policy.ports import BudgetState
from service.storage.redis_connection import RedisConnection

_PREFIX = "assay:budget:"
_KEPT = 2 * 86_400

_TODAY = """
local time = redis.call('TIME')
local state = KEYS[1] .. math.floor(time[1] / 86400)
local acted = state .. ':posts'
"""

# KEYS: prefix. ARGV: limit, seconds to keep, then each post. Returns whether the breaker opened now, then for each post
# whether it may be acted on.
_SPEND = (
    _TODAY
    + """
local opened = redis.call('HEXISTS', state, 'opened') == 1
local room = ARGV[1] + (redis.call('HGET', state, 'granted') or 0) - redis.call('SCARD', acted)
local answer = {0}
for at = 3, #ARGV do
    local fits = redis.call('SISMEMBER', acted, ARGV[at]) == 1
    if not fits and not opened and room > 0 then
        redis.call('SADD', acted, ARGV[at])
        room = room - 1
        fits = true
    elseif not fits and not opened then
        redis.call('HSET', state, 'opened', time[1])
        opened = true
        answer[1] = 1
    end
    answer[#answer + 1] = fits and 1 or 0
end
redis.call('EXPIRE', acted, ARGV[2])
redis.call('EXPIRE', state, ARGV[2])
return answer
"""
)

_STATE = (
    _TODAY
    + """
return {redis.call('SCARD', acted), redis.call('HGET', state, 'granted') or 0, redis.call('HGET', state, 'opened') or 0}
"""
)

_CLOSE = (
    _TODAY
    + """
if redis.call('HDEL', state, 'opened') == 0 then
    return 0
end
redis.call('HSET', state, 'granted', redis.call('SCARD', acted))
redis.call('EXPIRE', state, ARGV[1])
return 1
"""
)


class RedisBudget:
    """An `ActionBudget`; one round trip a call."""

    def __init__(self, connection: RedisConnection) -> None:
        self._breaker = connection.breaker
        self._spend, self._state, self._close = map(connection.client.register_script, (_SPEND, _STATE, _CLOSE))

    async def spend(self, posts: Sequence[PostKey], limit: int) -> tuple[list[bool], bool]:
        """See `ActionBudget`."""
        members = [digest(post.name, post.fingerprint) for post in posts]
        with self._breaker:
            opened, *fits = await self._spend(keys=[_PREFIX], args=[limit, _KEPT, *members])
        return [bool(yes) for yes in fits], bool(opened)

    async def state(self) -> BudgetState:
        """See `ActionBudget`."""
        with self._breaker:
            spent, granted, opened = map(int, await self._state(keys=[_PREFIX]))
        return BudgetState(
            spent=spent, granted=granted, opened_at=datetime.fromtimestamp(opened, UTC) if opened else None
        )

    async def close(self) -> bool:
        """See `ActionBudget`."""
        with self._breaker:
            return bool(await self._close(keys=[_PREFIX], args=[_KEPT]))
