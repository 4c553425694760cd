"""The loop, its losses and its schedule, on pictures made here."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lab.blobs import blobs, plan
from lab.processes import TESTS, torchrun
from lab.train_worker import train
from pneumoscope.lab.checkpoint import CheckpointUnreadable, load_average
from pneumoscope.lab.dataset import Dataset
from pneumoscope.lab.loop import TrainingDiverged, epoch_order, fit, predict_logits, validate
from pneumoscope.lab.losses import example_losses, is_right, surprise
from pneumoscope.lab.networks import build_network
from pneumoscope.lab.progress import draw_curves, read_records
from pneumoscope.lab.recipe import RecipeError
from pneumoscope.lab.schedule import learning_rate

pytestmark = pytest.mark.lab
UNKNOWN = 3


def network(recipe=None):
    recipe = recipe or plan()
    torch.manual_seed(recipe.seed)
    return build_network(recipe.network, 3)


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def often(dozen: Dataset) -> Dataset:
    """The same twelve images thirty times: an epoch of thirty steps."""
    return dozen[torch.arange(len(dozen)).repeat(30)]


logits_and_labels = st.integers(0, 2**31).map(
    lambda seed: (
        torch.randn(7, 3, generator=torch.Generator().manual_seed(seed)) * 4,
        torch.randint(0, 3, (7,), generator=torch.Generator().manual_seed(seed)),
    )
)


@settings(max_examples=30, deadline=None)
@given(logits_and_labels)
def test_with_known_aetiology_the_surprise_is_cross_entropy(made):
    logits, labels = made
    torch.testing.assert_close(
        surprise(logits, labels), F.cross_entropy(logits, labels, reduction="none")
    )
    smooth = example_losses(logits, labels, None, plan(label_smoothing=0.1).optimiser)
    torch.testing.assert_close(
        smooth, F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1)
    )


@settings(max_examples=30, deadline=None)
@given(logits_and_labels)
def test_with_unknown_aetiology_it_is_the_chance_of_not_normal(made):
    logits, _ = made
    unknown = torch.full((len(logits),), UNKNOWN)
    pneumonia = 1 - logits.double().softmax(1)[:, 0]
    torch.testing.assert_close(
        surprise(logits, unknown).double(), -pneumonia.log(), atol=1e-4, rtol=1e-4
    )
    assert torch.equal(is_right(logits, unknown), logits.argmax(1) > 0)


def test_an_unknown_aetiology_teaches_nothing_about_it():
    """The gradient leaves the ratio of bacterial to viral alone when both are as probable."""
    logits = torch.tensor([[2.0, 0.5, 0.5]], requires_grad=True)
    surprise(logits, torch.tensor([UNKNOWN])).sum().backward()
    assert logits.grad[0, 1] == logits.grad[0, 2] < 0 < logits.grad[0, 0]


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_asks_less_of_what_is_known_and_stays_finite(gamma):
    logits = torch.tensor([[60.0, 0.0, 0.0], [0.0, 0.1, 0.0]], requires_grad=True)
    labels = torch.tensor([0, 1])
    plain = plan(label_smoothing=0.0).optimiser
    focal = example_losses(logits, labels, None, replace(plain, focal_gamma=gamma))
    focal.sum().backward()
    assert torch.isfinite(logits.grad).all()
    share = (focal / surprise(logits, labels).clamp_min(1e-30)).detach()
    probability = torch.tensor([1 / (1 + 2 * np.exp(-0.1))])
    assert share[1] == pytest.approx(float((1 - probability) ** gamma), rel=1e-4)


def test_the_teacher_s_word_counts_by_its_share():
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, UNKNOWN, 0])
    teacher = torch.rand(5, 3).softmax(1)
    alone = plan(distillation=1.0).optimiser
    torch.testing.assert_close(
        example_losses(logits, labels, teacher, alone),
        F.cross_entropy(logits, teacher, reduction="none"),
    )
    half = example_losses(logits, labels, teacher, replace(alone, distillation=0.5))
    label_alone = example_losses(logits, labels, None, alone)
    torch.testing.assert_close(
        half, (label_alone + F.cross_entropy(logits, teacher, reduction="none")) / 2
    )


def test_a_sampler_draws_normal_as_often_as_pneumonia_and_its_kinds_evenly():
    labels = np.array([0] * 50 + [1] * 30 + [2] * 20)
    many = Dataset.from_numpy(np.zeros((100, 4, 4), np.uint8), labels).balanced()
    recipe = plan(balance="sampler")
    drawn = torch.cat([many.labels[epoch_order(many, recipe, epoch)] for epoch in range(60)])
    assert torch.bincount(drawn) / len(drawn) == pytest.approx([1 / 2, 1 / 4, 1 / 4], abs=0.03)
    shuffled = epoch_order(many, plan(), 0)
    assert torch.equal(shuffled.sort().values, torch.arange(100))


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_the_rate_rises_then_falls_to_next_to_nothing(schedule):
    options = plan(schedule=schedule, warmup_fraction=0.2).optimiser
    rates = [learning_rate(step, 100, options) for step in range(100)]
    assert max(rates) == pytest.approx(options.learning_rate) == pytest.approx(rates[20])
    assert all(a < b for a, b in pairwise(rates[:21]))
    assert all(a > b for a, b in pairwise(rates[20:]))
    assert rates[-1] < 0.01 * options.learning_rate
    assert rates[0] > 0


def test_the_loop_overfits_a_dozen_images(tmp_path):
    dozen = blobs(12, 0)
    recipe = plan(epochs=6, batch_size=12, learning_rate=0.02, ema_decay=0.9)
    trained = fit(network(), often(dozen), dozen, recipe, tmp_path)
    assert (predict_logits(trained, dozen.pixels).argmax(1) == dozen.labels).all()


@pytest.mark.parametrize(
    "options",
    [
        {"name": "sgd", "learning_rate": 0.05, "schedule": "cosine"},
        {"balance": "sampler", "focal_gamma": 1.0},
        {"balance": "none", "precision": "bfloat16"},
    ],
)
def test_every_way_of_training_learns(tmp_path, options):
    images = blobs(12, 0)
    quick = {"epochs": 6, "batch_size": 12, "learning_rate": 0.02, "ema_decay": 0.9}
    recipe = plan(**(quick | options))
    trained = fit(network(recipe), often(images), images, recipe, tmp_path)
    assert (predict_logits(trained, images.pixels).argmax(1) == images.labels).float().mean() > 0.9


@pytest.mark.parametrize("mixed", [{"mixup": 0.3}, {"cutmix": 1.0}])
def test_mixed_images_teach_both_labels(tmp_path, mixed):
    images = blobs(12, 0)
    recipe = plan(epochs=4, batch_size=12, learning_rate=0.02, ema_decay=0.9)
    half = replace(recipe.augmentation, mix_share=0.5, **mixed)
    mixing = replace(recipe, augmentation=half)
    trained = fit(network(recipe), often(images), images, mixing, tmp_path)
    assert (predict_logits(trained, images.pixels).argmax(1) == images.labels).float().mean() > 0.9


def test_a_teacher_alone_teaches(tmp_path):
    """One that calls everything normal, against the labels."""
    images = blobs(12, 0)
    recipe = plan(epochs=1, batch_size=12, learning_rate=0.02, ema_decay=0.9, distillation=1.0)
    teacher = network(recipe)
    teacher.classifier.weight.data.zero_()
    teacher.classifier.bias.data = torch.tensor([9.0, 0.0, 0.0])
    trained = fit(network(recipe), often(images), images, recipe, tmp_path, teachers=[teacher])
    assert (predict_logits(trained, images.pixels).argmax(1) == 0).all()


def test_resumed_equals_uninterrupted(tmp_path):
    """Stopped after the first of two epochs and started again: the same weights to the bit."""
    images = blobs(12, 1)
    recipe = plan(epochs=2)
    whole = fit(network(), images, images, recipe, _folder(tmp_path / "whole"))
    interrupted = _folder(tmp_path / "interrupted")

    class Interruption(Exception):
        pass

    def stop() -> None:
        raise Interruption

    with pytest.raises(Interruption):
        fit(network(), images, images, recipe, interrupted, after_epoch=stop)
    resumed = fit(network(), images, images, recipe, interrupted)
    assert same(whole.state_dict(), resumed.state_dict())
    assert [record.epoch for record in read_records(interrupted)] == [1, 2]


def test_a_line_that_its_checkpoint_never_followed_is_dropped(tmp_path):
    images = blobs(8, 1)
    first = fit(network(), images, images, plan(epochs=1), tmp_path)
    with (tmp_path / "progress.jsonl").open("a") as file:
        file.write((tmp_path / "progress.jsonl").read_text().replace('"epoch": 1', '"epoch": 2'))
        file.write('{"epoch": 3, "lo')
    again = fit(network(), images, images, plan(epochs=1), tmp_path)
    assert same(first.state_dict(), again.state_dict())
    assert [record.epoch for record in read_records(tmp_path)] == [1]


def test_killed_at_any_moment_it_resumes_to_the_same_weights(tmp_path):
    """kill -9 while short epochs write their checkpoints, twice."""
    epochs = 9
    killed = _folder(tmp_path / "killed")
    command = [sys.executable, "-m", "lab.train_worker", str(killed), str(epochs)]
    for _ in range(2):
        before = len(read_records(killed))
        process = subprocess.Popen(command, cwd=TESTS, stderr=subprocess.PIPE)
        while len(read_records(killed)) < before + 2 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert 0 < len(read_records(killed)) < epochs
    resumed = train(killed, epochs)
    assert same(resumed, train(_folder(tmp_path / "whole"), epochs))
    assert [record.epoch for record in read_records(killed)] == list(range(1, epochs + 1))


def test_two_processes_train_one_network(tmp_path, monkeypatch):
    """Started by torchrun: the same weights in both, one set of files, and it learns."""
    torchrun(monkeypatch, "lab.train_worker", tmp_path, 3)
    first, second = (torch.load(tmp_path / f"process-{rank}.pt") for rank in (0, 1))
    for name, value in first.items():
        if "running" not in name:  # batch statistics are each process's own
            assert torch.equal(value, second[name]), name
    records = read_records(tmp_path)
    assert [record.epoch for record in records] == [1, 2, 3]
    assert records[-1].loss < records[0].loss


def test_another_recipe_does_not_go_on_from_a_checkpoint(tmp_path):
    images = blobs(8, 1)
    fit(network(), images, images, plan(epochs=1), tmp_path)
    with pytest.raises(RecipeError, match=r"optimiser\.weight_decay"):
        fit(network(), images, images, plan(epochs=1, weight_decay=0.5), tmp_path)


def test_other_data_do_not_go_on_from_a_checkpoint(tmp_path):
    """The bundle's card would name data that taught it nothing."""
    images = blobs(8, 1)
    known = {"data.fingerprint": "a", "teachers": ["x"]}
    fit(network(), images, images, plan(epochs=1), tmp_path, learned_from=known)
    fit(network(), images, images, plan(epochs=1), tmp_path, learned_from=known)
    for key, other in {"data.fingerprint": "b", "teachers": ["y"]}.items():
        with pytest.raises(RecipeError, match=key):
            fit(
                *(network(), images, images, plan(epochs=1), tmp_path),
                learned_from={**known, key: other},
            )


def test_patience_ends_training_and_gives_the_best_epoch(tmp_path):
    """Labels turned round in validation: every epoch of learning is worse than the one before."""
    images = blobs(12, 0)
    wrong = replace(images, labels=(images.labels + 1) % 3)
    recipe = plan(epochs=12, batch_size=12, learning_rate=0.02, ema_decay=0.9, patience=2)
    best = fit(network(recipe), often(images), wrong, recipe, tmp_path)
    records = read_records(tmp_path)
    assert len(records) < 12
    lowest = min(records, key=lambda record: record.validation_loss)
    assert len(records) - lowest.epoch == 2
    assert validate(best, wrong).validation_loss == pytest.approx(lowest.validation_loss)
    again = fit(network(recipe), often(images), wrong, recipe, tmp_path)
    assert same(best.state_dict(), again.state_dict())
    assert same(best.state_dict(), load_average(tmp_path).state_dict())


@pytest.mark.parametrize("kept", [0, 100, -100])
def test_a_damaged_checkpoint_is_named(tmp_path, kept):
    images = blobs(8, 1)
    fit(network(), images, images, plan(epochs=1), tmp_path)
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:kept])
    with pytest.raises(CheckpointUnreadable, match=r"checkpoint\.pt"):
        fit(network(), images, images, plan(epochs=1), tmp_path)
    with pytest.raises(CheckpointUnreadable, match=r"checkpoint\.pt"):
        load_average(tmp_path)


def test_a_checkpoint_of_another_program_is_named(tmp_path):
    images = blobs(8, 1)
    for foreign in ({"state_dict": network().state_dict()}, [1, 2]):
        torch.save(foreign, tmp_path / "checkpoint.pt")
        with pytest.raises(CheckpointUnreadable, match="not what a training wrote"):
            fit(network(), images, images, plan(epochs=1), tmp_path)
        with pytest.raises(CheckpointUnreadable, match="not what a training wrote"):
            load_average(tmp_path)


def test_frozen_stages_stay_as_they_came(tmp_path):
    images = blobs(8, 1)
    recipe = plan(epochs=2, frozen_stages=2)
    start = {k: v.clone() for k, v in network(recipe).state_dict().items()}
    trained = fit(network(recipe), images, images, recipe, tmp_path).state_dict()
    for name, value in trained.items():
        kept = name.startswith(("stem.", "stages.0."))
        if value.is_floating_point():
            assert torch.equal(value, start[name]) == kept, name
    with pytest.raises(RecipeError, match="frozen_stages"):
        fit(network(recipe), images, images, plan(frozen_stages=9), tmp_path)


def test_what_cannot_be_trained_says_so(tmp_path):
    with pytest.raises(RecipeError, match="do not fill a batch"):
        fit(network(), blobs(3, 0), blobs(3, 0), plan(), tmp_path)
    with pytest.raises(RecipeError, match="teacher"):
        fit(network(), blobs(6, 0), blobs(6, 0), plan(distillation=0.5), tmp_path)
    with pytest.raises(RecipeError, match="teacher"):
        fit(network(), blobs(6, 0), blobs(6, 0), plan(), tmp_path, teachers=[network()])
    poisoned = replace(blobs(6, 0), weights=torch.full((6,), float("nan")))
    with pytest.raises(TrainingDiverged):
        fit(network(), poisoned, blobs(6, 0), plan(balance="none"), tmp_path)
    # One step: its loss is a number, the weights it leaves are none.
    with pytest.raises(TrainingDiverged, match="validation"):
        fit(network(), blobs(6, 0), blobs(6, 0), plan(batch_size=6, learning_rate=1e38), tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_validation_treats_an_unknown_aetiology_as_any_pneumonia():
    images = blobs(6, 0)
    unknown = replace(images, labels=torch.where(images.labels > 0, UNKNOWN, 0))
    trained = network()
    known_as_three = validate(trained, images)
    as_two = validate(trained, unknown)
    assert as_two.validation_loss < known_as_three.validation_loss
    assert as_two.validation_auroc == known_as_three.validation_auroc
    assert validate(trained, images[torch.tensor([0, 3])]).validation_auroc is None


def test_curves_are_drawn_and_logged(tmp_path):
    images = blobs(8, 1)
    fit(network(), images, images, plan(epochs=2), tmp_path)
    records = read_records(tmp_path)
    logged = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    for name in ("loss", "validation_loss", "validation_accuracy", "validation_auroc", "seconds"):
        points = [(point.step, point.value) for point in logged.Scalars(name)]
        expected = [(record.epoch, pytest.approx(getattr(record, name))) for record in records]
        assert points == expected, name
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    one_class = replace(read_records(tmp_path)[0], validation_auroc=None)
    draw_curves([one_class], tmp_path / "curves.png")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
