"""All that a page shows of one post: its verdict in pieces, its neighbours, and what people said of it. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.dashboard.evidence import Bar, Piece, pieces, unmasked
from service.dashboard.services import DashboardServices
from service.domain.evidence import related
from service.domain.judgement import Evidence, Judgement
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict, VerdictFilter
from service.policy.conditions import SignalBound
from service.policy.policy import Policy
from service.policy.rule import Rule

_TIMELINE = 6
_CLUSTER = 100
_NOTHING = Evidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDetail:
    """A post with its verdict, ready to be shown.

    `read_as` is the text with obfuscation undone where that differs; `rules` are those of the live policy that the
    verdict names; `timeline` holds the author's newest other posts with their verdicts.
    """

    post: Post
    verdict: Verdict | None
    pieces: Sequence[Piece]
    evidence: Evidence
    bars: Sequence[Bar]
    read_as: str
    rules: Sequence[Rule]
    timeline: Sequence[tuple[Verdict, Post | None]]
    cluster_size: int

    @property
    def judgement(self) -> Judgement | None:
        """What the classifiers said."""
        return self.verdict.judgement if self.verdict else None


async def post_detail(
    services: DashboardServices, post: Post, verdict: Verdict | None, *, alone: bool = False
) -> PostDetail:
    """The file of `post`; `alone`: without its author's other posts and its cluster."""
    shown = related(verdict, post.text) if verdict else None
    evidence = shown.judgement.evidence if shown and shown.judgement else _NOTHING
    read = unmasked(post.text) if evidence.obfuscation else ""
    policy = services.policies.current
    return PostDetail(
        post=post,
        verdict=shown,
        pieces=pieces(post.text, evidence),
        evidence=evidence,
        bars=bars(policy, post, shown.judgement if shown else None),
        read_as=read if read != post.text else "",
        rules=[rule for rule in policy.rules if shown and rule.name in {*map(_plain, shown.ruling.rules)}],
        timeline=[] if alone or not post.author else await timeline(services, post),
        cluster_size=0 if alone or not shown or not shown.cluster else await _size(services, shown.cluster),
    )


def bars(policy: Policy, post: Post, judgement: Judgement | None) -> list[Bar]:
    """The signals, likeliest first, with the thresholds that the policy's rules set for this post."""
    if judgement is None:
        return []
    leaves = [leaf for rule in policy.rules for leaf in rule.when.leaves() if isinstance(leaf, SignalBound)]
    marks: dict[str, set[float]] = {}
    for leaf in leaves:
        if leaf.at_least and not leaf.low:
            marks.setdefault(leaf.signal, set()).add(leaf.threshold.at(post, judgement))
    found = [Bar(signal, tuple(sorted(marks.get(signal.name, ())))) for signal in judgement.signals.values()]
    return sorted(found, key=lambda bar: -bar.signal.probability)


async def timeline(services: DashboardServices, post: Post) -> list[tuple[Verdict, Post | None]]:
    """The newest other posts by the author of `post` on its platform, with their verdicts."""
    only = VerdictFilter(author=post.author)
    verdicts = await services.store.page(only, before=None, limit=_TIMELINE + 1)
    here = f"platforms/{post.platform}/"
    others = [v for v in verdicts if v.post.name.startswith(here) and v.post.name != post.name][:_TIMELINE]
    return list(zip(others, await texts_of(services, [verdict.post for verdict in others]), strict=True))


async def texts_of(services: DashboardServices, keys: Sequence[PostKey]) -> list[Post | None]:
    """The posts of those keys; None where one was erased."""
    return await services.store.posts(keys) if keys else []


async def _size(services: DashboardServices, cluster: str) -> int:
    """How many posts the cluster has, up to a hundred."""
    return len(await services.store.page(VerdictFilter(cluster=cluster), before=None, limit=_CLUSTER))


def _plain(rule: str) -> str:
    """The rule's own name: what is joined to it says why it asked for less."""
    return rule.partition(".")[0]
