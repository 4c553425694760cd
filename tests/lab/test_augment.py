"""What augmentation promises: replay, range, silence where it is off, and what each step is for."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Generator, Tensor

from pneumoscope.lab.augment import AugmentationRecipe, affine, augment, mix
from pneumoscope.lab.occlusion import collimate, cut_out, paste_marks
from pneumoscope.lab.processing import compress, local_contrast, sharpen, tone_curve
from pneumoscope.lab.recipe import read_recipe

pytestmark = pytest.mark.lab
DEFAULT = read_recipe(Path(__file__).parents[2] / "recipes" / "default.toml").augmentation
STILL = AugmentationRecipe(
    rotation=0.0,
    translation=0.0,
    scale=(1.0, 1.0),
    aspect=0.0,
    flip=0.0,
    gamma=(1.0, 1.0),
    contrast=(1.0, 1.0),
    brightness=0.0,
    blur=0.0,
    noise=0.0,
    border=0.0,
)
NEW = {
    "shear": 8.0,
    "tone_curve": 0.4,
    "local_contrast": 0.8,
    "sharpen": 1.0,
    "jpeg": 0.7,
    "collimation": 0.7,
    "marks": 0.7,
    "cutout": 0.7,
}
EVERYTHING = replace(DEFAULT, **NEW)


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def smooth(n: int = 4, side: int = 96) -> Tensor:
    """Slow gradients with a bright middle, different in each image."""
    v, u = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    middles = torch.linspace(-0.3, 0.3, n)[:, None, None]
    return (0.2 + 0.6 * torch.exp(-((u - middles) ** 2) - v**2))[:, None]


@pytest.mark.parametrize("name", NEW)
def test_every_step_replays_stays_in_range_and_does_something(name):
    x = torch.rand(8, 1, 72, 88)
    before = x.clone()
    plan = replace(STILL, **{name: NEW[name]})
    first, again = (augment(x, plan, seeded(5)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(x, before)
    assert first.shape == x.shape
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert not torch.equal(first, augment(x, STILL, seeded(5)))


@pytest.mark.parametrize("name", NEW)
def test_a_step_that_is_off_draws_nothing(name):
    """Else an old recipe would give another stream, and an old checkpoint could not be resumed."""
    x = torch.rand(3, 1, 64, 64)
    off, on = (seeded(1), seeded(1))
    augment(x, DEFAULT, off)
    augment(x, replace(DEFAULT, **{name: NEW[name]}), on)
    assert not torch.equal(off.get_state(), on.get_state())
    augment(x, replace(DEFAULT, **{name: 0.0}), off)
    twice = seeded(1)
    for _ in range(2):
        augment(x, DEFAULT, twice)
    assert torch.equal(off.get_state(), twice.get_state())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(16, 70), st.integers(16, 70))
def test_all_of_it_on_any_shape(seed, rows, columns):
    x = torch.rand(3, 1, rows, columns, generator=seeded(seed))
    a, b = (augment(x, EVERYTHING, seeded(seed)) for _ in range(2))
    assert torch.equal(a, b)
    assert a.shape == x.shape
    assert bool(a.isfinite().all())


def test_another_device_gets_all_it_needs_and_draws_the_same():
    """The meta device computes nothing and refuses to be mixed with the CPU, as a GPU does: what
    stayed behind would be found here. Draws are made on the CPU and so the same for both."""
    everything = replace(EVERYTHING, blur=1.0, border=1.0, mixup=0.3, cutmix=1.0)
    here, there = seeded(3), seeded(3)
    x = torch.rand(6, 1, 64, 64)
    for each, generator in ((x, here), (x.to("meta"), there)):
        changed, partners, share = mix(augment(each, everything, generator), generator, everything)
        assert {changed.device, partners.device, share.device} == {each.device}
        assert changed.shape == each.shape
    assert torch.equal(here.get_state(), there.get_state())
    with pytest.raises(RuntimeError, match=r"same device|meta"):
        torch.lerp(x.to("meta"), x, x)


def test_shear_moves_rows_against_each_other():
    x = torch.zeros(8, 1, 64, 64)
    x[:, :, :, 31:33] = 1
    sheared = affine(x, replace(STILL, shear=20.0), seeded(0))[:, 0]
    centres = (sheared * torch.arange(64.0)).sum(2) / sheared.sum(2)  # of every row
    lean = torch.deg2rad(torch.tensor(20.0)).tan() * 53
    assert lean / 2 < float((centres[:, 5] - centres[:, 58]).abs().max()) <= lean + 0.01
    assert float((centres[:, 31] + centres[:, 32] - 63).abs().max()) < 0.05


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 1.5))
def test_a_tone_curve_is_monotone_and_keeps_black_and_white(seed, strength):
    ramp = torch.linspace(0, 1, 400).view(1, 1, 20, 20)
    bent = tone_curve(ramp, strength, seeded(seed)).flatten()
    assert bool((bent.diff() >= -1e-6).all())
    assert float(bent[0]) == pytest.approx(0, abs=1e-6)
    assert float(bent[-1]) == pytest.approx(1, abs=1e-6)


def test_local_contrast_raises_what_is_faint():
    x = smooth(side=128)
    faint = 0.02 * torch.sign(torch.sin(torch.arange(128.0)))
    # Draws are of 0 to the strength: the strongest of many is looked at.
    many = (x[:1] + faint).clamp(0, 1).repeat(16, 1, 1, 1)
    flat = smooth(1, 128).repeat(16, 1, 1, 1)
    gain = (local_contrast(many, 1.0, seeded(0)) - local_contrast(flat, 1.0, seeded(0))).std(
        (1, 2, 3)
    )
    assert float(gain.max()) > 1.5 * float(faint.std())


def test_sharpening_steepens_an_edge():
    x = torch.full((6, 1, 32, 32), 0.3)
    x[..., 16:] = 0.6
    assert float(sharpen(x, 2.0, seeded(0)).diff(dim=3).max()) > 0.35


@pytest.mark.parametrize("quality", [20, 50, 75, 95])
def test_compression_loses_what_an_encoder_loses(quality):
    x = smooth() + 0.05 * torch.randn(4, 1, 96, 96, generator=seeded(2))
    x = (x.clamp(0, 1) * 255).round() / 255
    ours = compress(x, 1.0, seeded(0), quality=(quality, quality))
    for image, compressed in zip(x, ours, strict=True):
        file = io.BytesIO()
        Image.fromarray((image[0] * 255).byte().numpy()).save(file, "JPEG", quality=quality)
        with Image.open(file) as decoded:
            theirs = np.asarray(decoded, dtype=np.float32)
        difference = np.abs(theirs - 255 * compressed[0].numpy())
        assert difference.mean() < 0.5
        # Here and there an encoder's integers round a coefficient the other way: a whole block.
        assert (difference <= 2).mean() > 0.9
        assert float((image - compressed).abs().mean()) > 0.5 / 255


@pytest.mark.parametrize("step", [collimate, paste_marks])
def test_borders_and_corners_are_changed_and_the_middle_is_not(step):
    x = torch.full((32, 1, 100, 100), 0.5)
    changed = step(x, 1.0, seeded(3)) != x
    assert bool(changed.any(dim=3).any(dim=2).all())
    assert not bool(changed[:, :, 35:65, 35:65].any())


def test_marks_come_to_all_four_corners():
    x = torch.zeros(64, 1, 80, 80)
    marks = paste_marks(x, 1.0, seeded(4)).amax(0)[0] > 0
    for rows in (slice(0, 40), slice(40, 80)):
        for columns in (slice(0, 40), slice(40, 80)):
            assert bool(marks[rows, columns].any())


def test_the_share_is_a_share():
    x = torch.rand(400, 1, 16, 16)
    touched = (cut_out(x, 0.25, seeded(0)) != x).any(3).any(2).float().mean()
    assert 0.15 < float(touched) < 0.35


def test_no_mixing_is_no_change_and_no_draw():
    x = torch.rand(5, 1, 8, 8)
    generator = seeded(0)
    state = generator.get_state()
    mixed, partners, share = mix(x, generator, STILL)
    assert torch.equal(generator.get_state(), state)
    assert torch.equal(mixed, x)
    assert torch.equal(partners, torch.arange(5))
    assert torch.equal(share, torch.ones(5))


@pytest.mark.parametrize(
    "alphas", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0, "mix_share": 0.5}]
)
def test_the_share_says_how_much_is_the_image_s_own(alphas):
    """Every image has one value, so the mixed image's mean tells the share."""
    x = torch.arange(40.0).view(-1, 1, 1, 1).expand(-1, 1, 64, 64) / 40
    plan = replace(STILL, **alphas)
    mixed, partners, share = mix(x, seeded(9), plan)
    own, other = x.mean((1, 2, 3)), x[partners].mean((1, 2, 3))
    torch.testing.assert_close(mixed.mean((1, 2, 3)), share * own + (1 - share) * other)
    assert sorted(partners.tolist()) == list(range(40))
    assert 0 <= float(share.min()) < 0.9 < float(share.max()) <= 1
    assert torch.equal(mixed, mix(x, seeded(9), plan)[0])
