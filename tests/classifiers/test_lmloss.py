import torch
from torch.nn.functional import cross_entropy

from classifiers.network.tokenstats import TokenSeries, token_series
from classifiers.training.lmloss import language_model_loss


def test_loss_and_gradients_are_cross_entropy_s() -> None:
    torch.manual_seed(2)
    hidden = torch.randn(300, 24, requires_grad=True)
    weight = torch.randn(97, 24, requires_grad=True)
    targets = torch.randint(97, (300,))
    loss, series = language_model_loss(hidden, weight, targets)
    loss.backward()
    assert hidden.grad is not None
    assert weight.grad is not None
    found = hidden.grad.clone(), weight.grad.clone()
    hidden.grad = weight.grad = None
    expected = cross_entropy(hidden @ weight.T, targets)
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(found, (hidden.grad, weight.grad), rtol=1e-4, atol=1e-6)
    reference = token_series(hidden.detach(), weight.detach(), targets)
    for name in TokenSeries.__slots__:
        torch.testing.assert_close(getattr(series, name), getattr(reference, name), rtol=1e-3, atol=1e-3)
