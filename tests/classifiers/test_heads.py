import pytest
import torch

from classifiers.fusion import Fusion, fit_fusion
from classifiers.labels import LABELS
from classifiers.network.heads import LAST, MEAN, QUERY, Heads, HeadsShape, default_layers, unit
from classifiers.network.tokenstats import STATISTICS
from classifiers.training.objective import head_loss

SEGMENTS = torch.tensor([0, 0, 0, 1, 2, 2])


@pytest.fixture
def heads() -> Heads:
    torch.manual_seed(4)
    made = Heads(HeadsShape(8, (1, 2)))
    torch.nn.init.normal_(made.query)
    torch.nn.init.normal_(made.mix)
    return made.eval()


@pytest.fixture
def states() -> torch.Tensor:
    return torch.randn(2, len(SEGMENTS), 8, generator=torch.Generator().manual_seed(9))


def test_pools_are_mean_last_and_query_average(heads: Heads, states: torch.Tensor) -> None:
    blended = heads.blend(states)
    mean, last, query = heads.pool(blended, SEGMENTS, 3).split(8, dim=1)
    torch.testing.assert_close(mean[0], blended[:3].mean(0))
    torch.testing.assert_close(last[2], blended[5])
    weights = torch.softmax(blended[:3] @ heads.query / 8**0.5, 0)
    torch.testing.assert_close(query[0], weights @ blended[:3])


def test_token_shares_add_up_to_the_logit(heads: Heads, states: torch.Tensor) -> None:
    blended, statistics = heads.blend(states), torch.randn(3, len(STATISTICS))
    logits = heads(states, SEGMENTS, statistics)
    shares = heads.token_shares(blended, SEGMENTS, 3)
    summed = torch.zeros(3, len(LABELS)).index_add(0, SEGMENTS, shares)
    extra = heads.from_pools(torch.zeros(3, 24), statistics)
    torch.testing.assert_close(summed + extra, logits)


def test_a_neighbour_in_the_pack_changes_nothing(heads: Heads, states: torch.Tensor) -> None:
    statistics = torch.randn(3, len(STATISTICS))
    together = heads(states, SEGMENTS, statistics)
    apart = heads(states[:, 4:], torch.tensor([0, 0]), statistics[2:])
    torch.testing.assert_close(apart[0], together[2])


def test_unit_states_have_unit_size(states: torch.Tensor) -> None:
    torch.testing.assert_close(unit(states * 50).pow(2).mean(-1), torch.ones(2, len(SEGMENTS)))


def test_layers_are_spread_over_the_network() -> None:
    assert default_layers(32) == (11, 21, 32)
    assert default_layers(1) == (1,)


def test_pools_can_do_without_the_query(states: torch.Tensor) -> None:
    heads = Heads(HeadsShape(8, (1, 2), (MEAN, LAST)))
    assert QUERY not in heads.shape.pools
    assert heads.pool(heads.blend(states), SEGMENTS, 3).shape == (3, 16)


def test_unknown_labels_weigh_nothing() -> None:
    logits = torch.randn(4, len(LABELS), requires_grad=True)
    targets = torch.full((4, len(LABELS)), torch.nan)
    targets[1, 2] = 1.0
    head_loss(logits, targets, torch.ones_like(targets)).backward()
    assert logits.grad is not None
    assert logits.grad.nonzero().tolist() == [[1, 2]]


def test_fusion_leans_on_the_branch_that_knows() -> None:
    torch.manual_seed(0)
    truth = (torch.rand(2000, len(LABELS)) < 0.5).float()
    right, noise = (truth * 2 - 1) + torch.randn_like(truth) * 0.5, torch.randn_like(truth)
    fusion = fit_fusion(right, noise, torch.randint(5, 200, (2000,)), truth)
    heads, ngrams = fusion.shares(torch.tensor([30]))
    assert (heads[:, 2:] > 4 * ngrams[:, 2:]).all()
    assert (heads[:, :2] > ngrams[:, :2]).all(), "authorship and misinformation always hear both"
    assert (heads[:, :2] < 4 * ngrams[:, :2]).all()


def test_fusion_of_a_label_without_rows_is_the_plain_mean() -> None:
    targets = torch.full((50, len(LABELS)), torch.nan)
    targets[:, 0] = (torch.arange(50) % 2).float()
    heads, ngrams = torch.randn(50, len(LABELS)), 3 * torch.randn(50, len(LABELS))
    fusion = fit_fusion(heads, ngrams, torch.full((50,), 20), targets)
    mean = (heads / heads.std(0) + ngrams / ngrams.std(0)) / 2
    torch.testing.assert_close(fusion(heads, ngrams, torch.full((50,), 20))[:, 1:], mean[:, 1:])
    assert isinstance(fusion, Fusion)
