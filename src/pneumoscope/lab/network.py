"""The form every network has: logits, class-activation map and embedding from one pass."""

from typing import NamedTuple

from torch import Tensor, nn

# What the EfficientNet-Lite weights were trained with; for other networks as good as any centring.
IMAGENET_MEAN = 127.0 / 255.0
IMAGENET_SCALE = 255.0 / 128.0


class NetworkOutput(NamedTuple):
    """What every network returns.

    logits: [N, classes]. activation: [N, classes, h, w], whose mean over h and w is the logits.
    embedding: [N, d], pooled features of the last layer. lungs: [N, 1, h, w], log-odds of each
    place being lung, from networks that look for them.
    """

    logits: Tensor
    activation: Tensor
    embedding: Tensor
    lungs: Tensor | None = None


class Network(nn.Module):
    """stem → stages → head → dropout → classifier, averaged over the image.

    Input: float32 [N, 1, H, W], 0..1; it is centred about 0 inside. The classifier is a 1×1
    convolution: before pooling it equals a fully connected layer after it, and is the
    class-activation map (Zhou et al. 2016) at no extra cost.
    stages: one after another, each usually halving the map; training may freeze the first of them.
    channels: what `head` gives out.
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
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.head = head
        self.dropout = nn.Dropout2d(dropout)
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, x: Tensor) -> NetworkOutput:
        x = self.stem((x - IMAGENET_MEAN) * IMAGENET_SCALE)
        for stage in self.stages:
            x = stage(x)
        x = self.head(x)  # [N, channels, h, w]
        activation = self.classifier(self.dropout(x))
        return NetworkOutput(activation.mean((2, 3)), activation, x.mean((2, 3)))
