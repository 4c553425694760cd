"""What a network takes over from its teachers: their answers, and their places."""

import pytest
import torch
from torch import Tensor

from lab.blobs import blobs, plan
from pneumoscope.lab.distillation import ask, map_loss, mean_probability
from pneumoscope.lab.loop import fit
from pneumoscope.lab.network import NetworkOutput
from pneumoscope.lab.networks import build_network

pytestmark = pytest.mark.lab


def said(activation: Tensor) -> NetworkOutput:
    return NetworkOutput(activation.mean((2, 3)), activation, activation.flatten(1))


def lit(row: int, column: int, side: int = 6, strength: float = 4.0) -> Tensor:
    """[1, 3, side, side]: evidence for pneumonia at one place."""
    activation = torch.zeros(1, 3, side, side)
    activation[0, 1, row, column] = strength
    return activation


def test_the_mean_probability_of_teachers_is_no_mean_of_logits():
    sure, unsure = lit(0, 0, strength=400.0), torch.zeros(1, 3, 6, 6)
    mean = mean_probability([said(sure), said(unsure)])
    assert mean is not None
    torch.testing.assert_close(mean, (said(sure).logits.softmax(1) + torch.full((1, 3), 1 / 3)) / 2)
    assert mean_probability([]) is None


def test_a_map_of_the_same_form_costs_nothing_however_strong():
    for strength in (1.0, 4.0, 9.0):
        assert map_loss(lit(2, 3, strength=strength), [said(lit(2, 3))]) < 0.03


def test_a_map_elsewhere_costs_and_its_gradient_leads_to_the_teacher_s_place():
    activation = lit(5, 5).requires_grad_()
    loss = map_loss(activation, [said(lit(1, 1))])
    assert 0.6 < loss < 0.8  # nothing in common; the teacher believes in pneumonia by two thirds
    loss.backward()
    assert activation.grad is not None
    assert activation.grad[0, 1, 1, 1] < 0 < activation.grad[0, 1, 5, 5]


def test_the_places_of_a_radiograph_called_normal_are_nothing_to_learn():
    normal = lit(1, 1)
    normal[:, 0] += 20
    assert map_loss(lit(5, 5), [said(normal)]) < 0.001


def test_two_teachers_count_alike_and_maps_of_other_sizes_are_compared():
    both = [said(lit(1, 1, strength=1.0)), said(lit(4, 4, strength=50.0))]
    near, far = map_loss(lit(1, 1), both), map_loss(lit(4, 4), both)
    torch.testing.assert_close(near, far, atol=0.05, rtol=0)
    coarse = said(lit(1, 1, side=3))
    assert map_loss(lit(2, 2), [coarse]) < map_loss(lit(0, 0), [coarse])


def test_a_flat_map_is_no_division_by_zero():
    assert torch.isfinite(map_loss(torch.zeros(2, 3, 6, 6), [said(torch.zeros(2, 3, 6, 6))]))


def test_a_network_takes_over_its_teacher_s_places(tmp_path):
    """The pupil's maps go with the teacher's more than those of one that was not told."""
    images = blobs(12, 0)
    many = images[torch.arange(12).repeat(30)]
    teacher = build_network(plan().network, 3).eval()
    losses = []
    for weight, teachers in ((0.0, []), (2.0, [teacher])):
        recipe = plan(epochs=1, batch_size=12, map_distillation=weight)
        torch.manual_seed(recipe.seed)
        network = build_network(recipe.network, 3)
        out = tmp_path / f"weight {weight}"
        out.mkdir()
        pupil = fit(network, many, images, recipe, out, teachers=teachers)
        x = images.pixels.float() / 255
        with torch.no_grad():
            losses.append(float(map_loss(pupil(x).activation, ask([teacher], x))))
    assert losses[1] < losses[0]
