"""ResNet-18 and DenseNet121 as MONAI builds them, for comparison; trained from scratch.

MONAI takes seconds to import, so only whoever asks for one of these pays for it.
"""

from torch import nn

from pneumoscope.lab.network import Network


def resnet18(classes: int, *, dropout: float = 0.2) -> Network:
    """He et al. 2016, for one grey channel."""
    from monai.networks.nets.resnet import resnet18 as build

    source = build(spatial_dims=2, n_input_channels=1, num_classes=1, conv1_t_stride=2)
    return Network(
        stem=nn.Sequential(source.conv1, source.bn1, source.act, source.maxpool),
        stages=[source.layer1, source.layer2, source.layer3, source.layer4],
        head=nn.Identity(),
        channels=512,
        classes=classes,
        dropout=dropout,
    )


def densenet121(classes: int, *, dropout: float = 0.2) -> Network:
    """Huang et al. 2017, for one grey channel; each stage is a dense block and its transition."""
    from monai.networks.nets.densenet import DenseNet121

    source = DenseNet121(spatial_dims=2, in_channels=1, out_channels=1)
    part = dict(source.features.named_children())
    return Network(
        stem=nn.Sequential(part["conv0"], part["norm0"], part["relu0"], part["pool0"]),
        stages=[
            nn.Sequential(part["denseblock1"], part["transition1"]),
            nn.Sequential(part["denseblock2"], part["transition2"]),
            nn.Sequential(part["denseblock3"], part["transition3"]),
            part["denseblock4"],
        ],
        head=nn.Sequential(part["norm5"], nn.ReLU(inplace=True)),
        channels=1024,
        classes=classes,
        dropout=dropout,
    )
