"""What a network is told of its mistakes. Labels are indices into data.TARGETS."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pneumoscope.lab.data import CLASSES, TARGETS
from pneumoscope.lab.recipe import OptimiserRecipe

# [targets, classes]: which classes agree with a label. Unknown aetiology is any but normal.
AGREES = torch.eye(len(TARGETS), len(CLASSES), dtype=torch.bool)
AGREES[TARGETS.index("pneumonia"), 1:] = True


def surprise(logits: Tensor, labels: Tensor) -> Tensor:
    """−log P(label) in nats, float32 [N]; cross-entropy where the label names one class.

    Of unknown aetiology it is −log(1 − P(normal)): the likelihood is summed over the classes the
    label leaves open.
    """
    log_probability = F.log_softmax(logits.float(), dim=1)
    agrees = AGREES.to(logits.device)[labels]
    return -log_probability.masked_fill(~agrees, -torch.inf).logsumexp(dim=1)


def doubted_surprise(logits: Tensor, labels: Tensor, reliability: Tensor) -> Tensor:
    """float32 [N]: the surprise at the label, and at its opposite by as much as it may be wrong.

    reliability: float32 [N], probability that normal or pneumonia is rightly said. The opposite of
    normal is pneumonia of unknown aetiology; of every pneumonia, normal (Natarajan et al. 2013 call
    this class-conditional noise; here each label carries its own).
    """
    opposite = torch.where(labels == 0, TARGETS.index("pneumonia"), 0)
    return torch.lerp(surprise(logits, opposite), surprise(logits, labels), reliability)


def is_right(logits: Tensor, labels: Tensor) -> Tensor:
    """bool [N]: the most probable class agrees with the label."""
    return AGREES.to(logits.device)[labels, logits.argmax(dim=1)]


def example_losses(
    logits: Tensor,
    labels: Tensor,
    teacher: Tensor | None,
    recipe: OptimiserRecipe,
    reliability: Tensor | None = None,
) -> Tensor:
    """float32 [N]: surprise, focused (Lin et al. 2017), then smoothed over all classes, then mixed
    with the cross-entropy against the teacher's probabilities (Hinton et al. 2015)."""
    if reliability is None:
        loss = surprise(logits, labels)
    else:
        loss = doubted_surprise(logits, labels, reliability)
    if recipe.focal_gamma > 0:
        # 1 − P(label); the floor keeps the gradient of a power below 1 finite.
        loss = loss * (-torch.expm1(-loss)).clamp_min(1e-6) ** recipe.focal_gamma
    log_probability = F.log_softmax(logits.float(), dim=1)
    loss = torch.lerp(loss, -log_probability.mean(dim=1), recipe.label_smoothing)
    if teacher is not None and recipe.distillation > 0:
        loss = torch.lerp(loss, -(teacher * log_probability).sum(dim=1), recipe.distillation)
    return loss
