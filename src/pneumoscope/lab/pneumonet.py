"""pneumonet: a plain convolutional network of our own, trained from scratch, sized by tuning."""

from itertools import pairwise

from torch import Tensor, nn

from pneumoscope.lab.network import Network


class ConvolutionBlock(nn.Module):
    """3×3 convolution, batch normalisation, ReLU; its input is added where the channels agree."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(c_out)
        self.residual = c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.convolution(x))
        return nn.functional.relu(x + y if self.residual else y)


def fully_connected(c_in: int, c_out: int) -> nn.Sequential:
    """A fully connected layer with batch normalisation and ReLU, applied at every place of the map.

    As a 1×1 convolution it keeps the places apart, so that what the classifier says of each of them
    still averages exactly to the logits.
    """
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)
    )


def pneumonet(
    classes: int,
    *,
    dropout: float = 0.3,
    width: int = 24,
    depth: int = 2,
    stages: int = 5,
    hidden: int = 256,
    hidden_layers: int = 1,
) -> Network:
    """Stages of `depth` convolutions; between them max pooling halves the map and the channels
    double, from `width` on, up to 8 × `width`. Then `hidden_layers` fully connected layers of
    `hidden` units, dropout and the classifier.

    The map has 1/2^stages of the input's side: 7×7 for five stages at 224 px.
    """
    channels = [min(2**i, 8) * width for i in range(stages)]
    blocks: list[nn.Module] = []
    for i, c_out in enumerate(channels):
        c_in = channels[max(i - 1, 0)]
        pooling = [nn.MaxPool2d(2)] if i else []
        convolutions = [ConvolutionBlock(c_in, c_out)]
        convolutions += [ConvolutionBlock(c_out, c_out) for _ in range(depth - 1)]
        blocks.append(nn.Sequential(*pooling, *convolutions))
    units = [channels[-1], *([hidden] * hidden_layers)]
    return Network(
        stem=nn.Sequential(
            nn.Conv2d(1, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ),
        stages=blocks,
        head=nn.Sequential(*(fully_connected(*pair) for pair in pairwise(units))),
        channels=units[-1],
        classes=classes,
        dropout=dropout,
    )
