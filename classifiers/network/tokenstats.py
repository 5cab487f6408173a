"""A language model's statistics of a text: per-token series and their summary, the classic zero-shot evidence.

Per predicted token: log-probability, rank, and the mean and variance of the log-probability that the model itself
expects. Vocabulary comes in chunks with a running softmax, so that the [T, V] logits never exist; sums are in float32.
Of a text:

- log-likelihood, log-rank, entropy, top-1 share: Gehrmann et al. 2019, GLTR, arXiv:1906.04043
- LRR, log-likelihood over log-rank: Su et al. 2023, DetectLLM, arXiv:2306.05540
- curvature, (log p - sum of its expectations) / root of the summed variances: the analytic form of Bao et al. 2024,
  Fast-DetectGPT, arXiv:2310.05130, with scoring and sampling model one
- spread and step of surprise ("burstiness"): as in Venkatraman et al. 2023, GPT-who, arXiv:2310.06202
"""

from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 4096
STATISTICS = (
    "log_likelihood",
    "log_likelihood_spread",
    "log_rank",
    "lrr",
    "entropy",
    "entropy_spread",
    "variance",
    "curvature",
    "surplus",
    "top1",
    "top10",
    "step",
    "log_tokens",
)
_TOKENS = 128
_LEAST = 1e-6
_TOP = 10


@dataclass(frozen=True, slots=True)
class TokenSeries:
    """One value a predicted token, all float32 [P], natural logarithms."""

    log_prob: Tensor
    log_rank: Tensor  # ln(1 + number of likelier tokens)
    expected: Tensor  # mean of ln p under p: the negative entropy
    variance: Tensor  # variance of ln p under p


def token_series(hidden: Tensor, weight: Tensor, targets: Tensor, chunk: int = CHUNK) -> TokenSeries:
    """Series of `targets` [P] predicted from final states `hidden` [P, H] by the output matrix `weight` [V, H].

    Works on a few tokens and `chunk` words of vocabulary at a time, so that its results stay in cache.
    """
    parts = zip(torch.split(hidden, _TOKENS), torch.split(targets, _TOKENS), strict=True)
    columns = [_block(states, weight, following, chunk) for states, following in parts]
    if not columns:
        return TokenSeries(*(torch.zeros(0, device=hidden.device) for _ in range(4)))
    return TokenSeries(*(torch.cat(column) for column in zip(*columns, strict=True)))


def _block(hidden: Tensor, weight: Tensor, targets: Tensor, chunk: int) -> tuple[Tensor, ...]:
    """The series of a block of tokens, by a softmax that carries its peak, mass and moments from chunk to chunk."""
    target = (hidden.float() * weight[targets].float()).sum(-1)  # [P]
    peak = torch.full_like(target, -torch.inf)
    mass, first, second, rank = (torch.zeros_like(target) for _ in range(4))
    for start in range(0, len(weight), chunk):
        logits = (hidden @ weight[start : start + chunk].T).float()  # [P, C]
        rank += _above(logits, target, targets - start)
        higher = torch.maximum(peak, logits.amax(-1))
        shift = torch.where(peak.isinf(), 0.0, peak - higher)
        shrink = torch.exp(peak - higher)
        above = logits.sub_(higher[:, None])
        share = above.exp()
        # Moments are kept of (logit - peak), so a new peak moves them all by `shift`.
        second = (second + 2 * shift * first + shift**2 * mass) * shrink
        first = (first + shift * mass) * shrink + torch.linalg.vecdot(share, above)
        mass = mass * shrink + share.sum(-1)
        second += torch.linalg.vecdot(share.mul_(above), above)
        peak = higher
    mean, log_mass = first / mass, mass.log()
    variance = (second / mass - mean**2).clamp_min(0.0)
    return target - peak - log_mass, torch.log1p(rank), mean - log_mass, variance


def _above(logits: Tensor, target: Tensor, places: Tensor) -> Tensor:
    """How many of a chunk's logits [P, C] are above the target's [P], the target's own place not counted."""
    here = (places >= 0) & (places < logits.shape[1])
    own = logits.gather(1, places.clamp(0, logits.shape[1] - 1)[:, None])[:, 0]
    return (logits > target[:, None]).sum(-1) - (here & (own > target)).long()


def summarise(series: TokenSeries, segments: Tensor, count: int) -> Tensor:
    """Statistics [n, S] in the order of STATISTICS, of the segments 0..n-1 that `segments` [P] names.

    A segment without predicted tokens gets zeros.
    """
    log_prob, entropy = series.log_prob, -series.expected
    tokens = _sum(torch.ones_like(log_prob), segments, count)
    size = tokens.clamp_min(1.0)

    def mean(values: Tensor) -> Tensor:
        return _sum(values, segments, count) / size

    likelihood, rank, surprise = mean(log_prob), mean(series.log_rank), mean(entropy)
    variance = mean(series.variance)
    surplus = likelihood + surprise
    columns = [
        likelihood,
        (mean(log_prob**2) - likelihood**2).clamp_min(0.0).sqrt(),
        rank,
        -likelihood / rank.clamp_min(0.1),
        surprise,
        (mean(entropy**2) - surprise**2).clamp_min(0.0).sqrt(),
        variance,
        surplus * size.sqrt() / variance.clamp_min(_LEAST).sqrt(),
        surplus,
        mean((series.log_rank == 0).float()),
        mean((series.log_rank <= torch.log1p(torch.tensor(_TOP - 1.0))).float()),
        _sum(_steps(log_prob, segments), segments[1:], count) / (size - 1).clamp_min(1.0),
        torch.log1p(tokens),
    ]
    return torch.stack(columns, dim=-1) * (tokens > 0)[:, None]


def _steps(log_prob: Tensor, segments: Tensor) -> Tensor:
    """Size of the change of log-probability from each token to the next of its segment [P - 1]."""
    return (log_prob[1:] - log_prob[:-1]).abs() * (segments[1:] == segments[:-1])


def _sum(values: Tensor, segments: Tensor, count: int) -> Tensor:
    return torch.zeros(count, dtype=torch.float32, device=values.device).index_add_(0, segments, values.float())
