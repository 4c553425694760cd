"""Geometry of the augmentation: what must not change does not."""

from dataclasses import replace

import pytest
import torch
from torch import Generator

from lab.blobs import plan
from pneumoscope.lab.augment import affine, augment

pytestmark = pytest.mark.lab
STILL = replace(
    plan().augmentation, rotation=0.0, translation=0.0, scale=(1.0, 1.0), aspect=0.0, flip=0.0
)


def test_augmentation_replays_from_its_seed_and_stays_in_range():
    x = torch.rand(6, 1, 96, 96)
    recipe = plan().augmentation
    a, b = (augment(x, recipe, Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(a, b)
    assert a.shape == x.shape
    assert 0 <= float(a.min()) <= float(a.max()) <= 1
    assert not torch.equal(a, augment(x, recipe, Generator().manual_seed(8)))


def test_no_movement_is_the_identity():
    x = torch.rand(2, 1, 64, 64)
    torch.testing.assert_close(affine(x, STILL, Generator().manual_seed(0)), x, atol=1e-4, rtol=0)


def test_a_mirror_image_is_one():
    x = torch.rand(2, 1, 64, 64)
    flipped = affine(x, replace(STILL, flip=1.0), Generator().manual_seed(0))
    torch.testing.assert_close(flipped, x.flip(3), atol=1e-4, rtol=0)
