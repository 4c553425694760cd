"""A network that gathers its evidence inside the lungs, on a map of fourteen by fourteen.

A network pooled over the whole image learns what goes with pneumonia at one hospital: where the
side marker stands, how the child was held, how large the heart looks. Its map then lights the
mediastinum or the collar bone. Here the evidence of each place counts by how much the place looks
like lung, and the features of a place see its surroundings rather than the whole image.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pneumoscope.lab.efficientnet_lite import efficientnet_lite0
from pneumoscope.lab.network import IMAGENET_MEAN, IMAGENET_SCALE, Network, NetworkOutput

# Ellipses about the lungs of mean frontal radiographs squashed to a square, children and adults:
# centre, half axes (fractions of the side) and how far the apices lean to the middle, in degrees.
CENTRE = (0.31, 0.43)
HALF_AXES = (0.155, 0.33)
LEAN = 13.0
SOFTNESS = 6.0
# Of EfficientNet-Lite0's seven stages; the fifth's map is a sixteenth of the side.
STAGES = 5
# Attention never falls to nothing, so that an image without lungs still has a mean.
FLOOR = 1e-4


def lung_prior(side: int) -> Tensor:
    """How likely a place is lung, float32 [side, side], 0..1, the same from left and right."""
    centres = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    lean = math.radians(LEAN)
    halves = []
    for across in (x, 1 - x):
        right, down = across - CENTRE[0], y - CENTRE[1]
        u = (right * math.cos(lean) + down * math.sin(lean)) / HALF_AXES[0]
        v = (down * math.cos(lean) - right * math.sin(lean)) / HALF_AXES[1]
        halves.append(torch.sigmoid(SOFTNESS * (1 - u**2 - v**2)))
    return torch.maximum(*halves)


def lung_loss(lungs: Tensor, prior: Tensor) -> Tensor:
    """Cross-entropy of what a network takes for lung against where lungs are likely.

    lungs: [N, 1, h, w], log-odds. prior: float32 [N, 1, H, W], 0..1.
    """
    target = F.interpolate(prior, lungs.shape[2:], mode="area")
    return F.binary_cross_entropy_with_logits(lungs.float(), target)


class LungNetwork(Network):
    """stem → stages → head → classifier, averaged over the lungs.

    `attention` learns the lungs from `lung_prior`, moved as augmentation moves each image: the
    average over many images is all it is told, and what it finds on one of them is its own.
    """

    def __init__(
        self,
        *,
        stem: nn.Module,
        stages: list[nn.Module],
        head: nn.Module,
        channels: int,
        classes: int,
        dropout: float,
    ) -> None:
        super().__init__(
            stem=stem,
            stages=stages,
            head=head,
            channels=channels,
            classes=classes,
            dropout=dropout,
        )
        self.attention = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> NetworkOutput:
        x = self.stem((x - IMAGENET_MEAN) * IMAGENET_SCALE)
        for stage in self.stages:
            x = stage(x)
        x = self.head(x)  # [N, channels, h, w]
        lungs = self.attention(x)  # [N, 1, h, w], log-odds
        weight = torch.sigmoid(lungs) + FLOOR
        weight = weight / weight.mean((2, 3), keepdim=True)
        # Weighted before the mean, so that the mean of the map still is the logits.
        activation = self.classifier(self.dropout(x)) * weight
        embedding = (x * weight).mean((2, 3))
        return NetworkOutput(activation.mean((2, 3)), activation, embedding, lungs)


def lung_lite0(
    classes: int, *, dropout: float = 0.2, width: int = 256, pretrained: bool = True
) -> LungNetwork:
    """The first five stages of EfficientNet-Lite0 from ImageNet, `width` features per place."""
    source = efficientnet_lite0(classes, pretrained=pretrained)
    stages = list(source.stages)[:STAGES]
    channels = 112
    head = nn.Sequential(
        nn.Conv2d(channels, width, 1, bias=False),
        nn.BatchNorm2d(width, eps=1e-3, momentum=0.05),
        nn.ReLU6(inplace=True),
    )
    return LungNetwork(
        stem=source.stem,
        stages=stages,
        head=head,
        channels=width,
        classes=classes,
        dropout=dropout,
    )
