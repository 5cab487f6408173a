"""Clusters of near-duplicate texts, shared by all workers through Redis.

Kept for each representative: its text_signature (one string), and under each of its bands its name among those of the
latest 32 that share the band; for each other text the name of its cluster. All of it expires `window` seconds after it
was last looked up. Looking up and storing are one script each, and between them another worker may found a cluster for
a near text in the same milliseconds: then there are two, and later texts join the one that shares more bands with them.
"""

from collections.abc import Sequence

from service.domain.judgement import Judgement
from service.domain.text_signature import TextSignature
from service.moderation.clustering import Known, assigned
from service.storage.redis_connection import RedisConnection

_REPRESENTATIVE, _MEMBER, BAND = b"assay:cr:", b"assay:cm:", b"assay:cb:"
_NAME = 16  # bytes of a name: a content digest
_LATEST, _COMPARED = 32, 16

# KEYS: per text its key as a representative, as a member, and those of its bands. ARGV: prefix of representatives,
# candidates at most, per text its number of bands. Returns, per text, its cluster if it is known (else ''), then names
# and text_signatures of candidates, most shared bands first.
_FIND = f"""
local prefix, most = ARGV[1], tonumber(ARGV[2])

local function candidates(first, last)
    local shared, order, names = {{}}, {{}}, {{}}
    for band = first, last do
        local list = redis.call('GET', KEYS[band]) or ''
        for start = 1, #list, {_NAME} do
            local name = string.sub(list, start, start + {_NAME - 1})
            if not shared[name] then
                names[#names + 1] = name
                order[name] = #names
            end
            shared[name] = (shared[name] or 0) + 1
        end
    end
    table.sort(names, function(a, b)
        return shared[a] > shared[b] or (shared[a] == shared[b] and order[a] < order[b])
    end)
    local found = {{''}}
    for _, name in ipairs(names) do
        local text_signature = #found < 2 * most and redis.call('GET', prefix .. name)
        if text_signature then
            found[#found + 1] = name
            found[#found + 1] = text_signature
        end
    end
    return found
end

local answers, at = {{}}, 1
for text = 3, #ARGV do
    local bands = tonumber(ARGV[text])
    if redis.call('EXISTS', KEYS[at]) == 1 then
        answers[#answers + 1] = {{string.sub(KEYS[at], #prefix + 1)}}
    else
        local cluster = redis.call('GET', KEYS[at + 1])
        answers[#answers + 1] = cluster and {{cluster}} or candidates(at + 2, at + 1 + bands)
    end
    at = at + 2 + bands
end
return answers
"""

# KEYS as above. ARGV: prefix of representatives, milliseconds, then per text its number of bands, cluster and
# text_signature.
_STORE = f"""
local prefix, window, at = ARGV[1], ARGV[2], 1
for text = 3, #ARGV, 3 do
    local bands, name, text_signature = tonumber(ARGV[text]), ARGV[text + 1], ARGV[text + 2]
    local representative = prefix .. name
    local founds = KEYS[at] == representative and redis.call('SET', representative, text_signature, 'PX', window, 'NX')
    if KEYS[at] ~= representative then
        redis.call('SET', KEYS[at + 1], name, 'PX', window)
    end
    redis.call('PEXPIRE', representative, window)
    for band = at + 2, at + 1 + bands do
        if founds then
            local others = string.sub(redis.call('GET', KEYS[band]) or '', 1, {(_LATEST - 1) * _NAME})
            redis.call('SET', KEYS[band], name .. others, 'PX', window)
        else
            redis.call('PEXPIRE', KEYS[band], window)
        end
    end
    at = at + 2 + bands
end
"""


class RedisClusters:
    """A `Clusters`. A cluster lives for `window` seconds after its last text; 0: each text is alone in its own."""

    def __init__(self, connection: RedisConnection, *, window: float) -> None:
        self._breaker = connection.breaker
        self._window = round(window * 1000)
        self._find = connection.client.register_script(_FIND)
        self._store = connection.client.register_script(_STORE)

    async def assign(self, judgements: Sequence[Judgement]) -> list[str]:
        """See `Clusters`. Two round trips; none where no text can be compared."""
        clusters = {judgement.content_digest: judgement.content_digest for judgement in judgements}
        distinct = {judgement.content_digest: judgement for judgement in judgements if judgement.text_signature.bands}
        if self._window and distinct:
            texts = list(distinct.values())
            clusters |= dict(zip(distinct, await self._assigned(texts), strict=True))
        return [clusters[judgement.content_digest] for judgement in judgements]

    async def _assigned(self, texts: Sequence[Judgement]) -> list[str]:
        keys = [key for text in texts for key in _keys(text)]
        bands = [len(text.text_signature.bands) for text in texts]
        with self._breaker:
            answers = await self._find(keys=keys, args=[_REPRESENTATIVE, _COMPARED, *bands])
        clusters = assigned(texts, [_known(answer) for answer in answers])
        stored = [
            value
            for text, count, cluster in zip(texts, bands, clusters, strict=True)
            for value in (count, bytes.fromhex(cluster), _packed(text.text_signature))
        ]
        with self._breaker:
            await self._store(keys=keys, args=[_REPRESENTATIVE, self._window, *stored])
        return clusters


def _keys(text: Judgement) -> list[bytes]:
    name = bytes.fromhex(text.content_digest)
    return [_REPRESENTATIVE + name, _MEMBER + name, *(BAND + band.encode() for band in text.text_signature.bands)]


def _known(answer: Sequence[bytes]) -> Known:
    cluster, *candidates = answer
    pairs = zip(candidates[::2], candidates[1::2], strict=True)
    return Known(cluster.hex(), {name.hex(): _unpacked(value) for name, value in pairs})


def _packed(text_signature: TextSignature) -> bytes:
    """The length of the minima in two bytes, the minima, the vector."""
    return len(text_signature.minima).to_bytes(2, "big") + text_signature.minima + text_signature.vector


def _unpacked(value: bytes) -> TextSignature:
    end = 2 + int.from_bytes(value[:2], "big")
    return TextSignature((), value[2:end], value[end:])
