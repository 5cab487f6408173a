import math

import pytest
import torch

from classifiers.network.tokenstats import STATISTICS, TokenSeries, summarise, token_series

HIDDEN, VOCABULARY, TOKENS = 16, 301, 150


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    hidden = torch.randn(TOKENS, HIDDEN, generator=generator)
    weight = torch.randn(VOCABULARY, HIDDEN, generator=generator)
    return hidden, weight, torch.randint(VOCABULARY, (TOKENS,), generator=generator)


def naive(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> TokenSeries:
    """The definitions, one token at a time, in float64."""
    columns = []
    for state, target in zip(hidden.double(), targets, strict=True):
        log_probs = torch.log_softmax(weight.double() @ state, 0)
        probs = log_probs.exp()
        mean = (probs * log_probs).sum()
        variance = (probs * (log_probs - mean) ** 2).sum()
        rank = (log_probs > log_probs[target]).sum()
        columns.append((log_probs[target], torch.log1p(rank.double()), mean, variance))
    return TokenSeries(*(torch.stack(column).float() for column in zip(*columns, strict=True)))


@pytest.mark.parametrize("chunk", [7, 100, 4096])
def test_series_are_the_definitions(drawn: tuple[torch.Tensor, ...], chunk: int) -> None:
    hidden, weight, targets = drawn
    found, expected = token_series(hidden, weight, targets, chunk), naive(hidden, weight, targets)
    for name in TokenSeries.__slots__:
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-4, atol=1e-4)


def test_extreme_logits_stay_finite(drawn: tuple[torch.Tensor, ...]) -> None:
    hidden, weight, targets = drawn
    series = token_series(hidden * 80, weight, targets, chunk=64)
    assert all(getattr(series, name).isfinite().all() for name in TokenSeries.__slots__)
    assert (series.variance >= 0).all()


def test_no_tokens_give_empty_series(drawn: tuple[torch.Tensor, ...]) -> None:
    _, weight, _ = drawn
    assert token_series(torch.zeros(0, HIDDEN), weight, torch.zeros(0, dtype=torch.long)).log_prob.shape == (0,)


def test_statistics_of_a_text_are_the_published_formulas(drawn: tuple[torch.Tensor, ...]) -> None:
    hidden, weight, targets = drawn
    series = token_series(hidden, weight, targets)
    segments = torch.tensor([0] * 60 + [1] * 1 + [3] * 89)
    found = summarise(series, segments, 4)
    part = slice(61, 150)
    log_prob, mean, variance = series.log_prob[part], series.expected[part], series.variance[part]
    expected = {
        "log_likelihood": log_prob.mean(),
        "log_likelihood_spread": log_prob.std(unbiased=False),
        "log_rank": series.log_rank[part].mean(),
        "lrr": -log_prob.mean() / series.log_rank[part].mean(),
        "entropy": -mean.mean(),
        "entropy_spread": mean.std(unbiased=False),
        "variance": variance.mean(),
        "curvature": (log_prob.sum() - mean.sum()) / variance.sum().sqrt(),
        "surplus": (log_prob - mean).mean(),
        "top1": (series.log_rank[part] == 0).float().mean(),
        "top10": (series.log_rank[part] <= math.log(10) + 1e-6).float().mean(),
        "step": log_prob.diff().abs().mean(),
        "log_tokens": torch.tensor(math.log(90)),
    }
    assert tuple(expected) == STATISTICS
    torch.testing.assert_close(found[3], torch.stack(list(expected.values())), rtol=1e-3, atol=1e-3)
    assert found[1].isfinite().all()
    assert (found[2] == 0).all(), "a text without predicted tokens has no statistics"
