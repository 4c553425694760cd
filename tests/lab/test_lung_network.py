"""The network that gathers its evidence inside the lungs."""

import pytest

torch = pytest.importorskip("torch", reason="needs the lab extra: pip install 'pneumoscope[lab]'")

from pneumoscope.lab.lung_network import lung_lite0, lung_loss, lung_prior  # noqa: E402

pytestmark = pytest.mark.lab


def test_the_prior_is_symmetric_and_names_lungs_not_the_middle() -> None:
    prior = lung_prior(224)
    torch.testing.assert_close(prior, prior.flip(1))
    assert prior.min() >= 0
    assert prior.max() <= 1
    assert prior[96, 70] > 0.9  # the middle of a lung
    assert prior[96, 112] < 0.1  # the mediastinum
    assert prior[:, 0].max() < 0.01
    assert prior[-1].max() < 0.01


def test_the_mean_of_the_map_is_the_logits() -> None:
    torch.manual_seed(0)
    network = lung_lite0(3, pretrained=False).eval()
    output = network(torch.rand(2, 1, 64, 64))
    assert output.activation.shape == (2, 3, 4, 4)
    assert output.lungs.shape == (2, 1, 4, 4)
    torch.testing.assert_close(output.activation.mean((2, 3)), output.logits)


class RightHalf(torch.nn.Module):
    """Takes the right half of the image for lung."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lungs = torch.full_like(x[:, :1], -30.0)
        lungs[..., lungs.shape[-1] // 2 :] = 30.0
        return lungs


def test_a_place_that_is_no_lung_adds_nothing() -> None:
    torch.manual_seed(0)
    network = lung_lite0(3, pretrained=False).eval()
    network.attention = RightHalf()
    evidence = network(torch.rand(1, 1, 64, 64)).activation.abs()
    assert evidence[..., :2].max() < 1e-3 * evidence[..., 2:].max()


def test_training_finds_where_lungs_are_likely() -> None:
    prior = lung_prior(64)[None, None]
    right = torch.logit(torch.nn.functional.interpolate(prior, (4, 4), mode="area"), eps=1e-4)
    assert lung_loss(right, prior) < lung_loss(torch.zeros(1, 1, 4, 4), prior)
    assert lung_loss(right, prior) < lung_loss(-right, prior)
