"""A set of radiographs in memory, as the loop takes batches from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pneumoscope.lab.balance import balanced_weights
from pneumoscope.lab.data import Example

# Share of a GPU's free memory that pixels may take; the rest is for the training itself.
PIXEL_SHARE = 0.5
# How often the mean an example may count at most when classes and sources are balanced.
MOST = 3.0


@dataclass(frozen=True, slots=True)
class Dataset:
    """All on one device.

    pixels: uint8 [N, 1, H, W]. labels: int64 [N], indices into data.TARGETS.
    weights: float32 [N], how much each label counts. sources: int64 [N], which site.
    reliability: float32 [N], probability that normal or pneumonia is rightly said.
    """

    pixels: Tensor
    labels: Tensor
    weights: Tensor
    sources: Tensor
    reliability: Tensor

    @classmethod
    def from_numpy(
        cls,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        weights: NDArray[Any] | None = None,
        sources: NDArray[np.int64] | None = None,
        reliability: NDArray[np.float32] | None = None,
    ) -> "Dataset":
        """pixels: uint8 [N, H, W]. Without them weights and reliability are 1 and all is
        of one source."""
        n = len(labels)
        return cls(
            pixels=torch.from_numpy(pixels)[:, None],
            labels=torch.from_numpy(labels),
            weights=torch.ones(n) if weights is None else torch.from_numpy(weights).float(),
            sources=torch.from_numpy(np.zeros(n, np.int64) if sources is None else sources),
            reliability=torch.ones(n) if reliability is None else torch.from_numpy(reliability),
        )

    @classmethod
    def of(cls, examples: Sequence[Example], pixels: NDArray[np.uint8]) -> "Dataset":
        """What `data.load_pixels` gave of the examples, with their labels, weights and sites."""
        sites = np.array([example.site for example in examples])
        return cls.from_numpy(
            pixels,
            np.array([example.label for example in examples], dtype=np.int64),
            weights=np.array([example.weight for example in examples], dtype=np.float32),
            sources=np.unique(sites, return_inverse=True)[1].astype(np.int64),
            reliability=np.array([example.reliability for example in examples], dtype=np.float32),
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor) -> "Dataset":
        """The examples that int64 numbers name, in their order, or that a mask lets through."""
        index = index.to(self.pixels.device)
        return Dataset(
            self.pixels[index],
            self.labels[index],
            self.weights[index],
            self.sources[index],
            self.reliability[index],
        )

    def to(self, device: torch.device) -> "Dataset":
        return Dataset(
            self.pixels.to(device),
            self.labels.to(device),
            self.weights.to(device),
            self.sources.to(device),
            self.reliability.to(device),
        )

    def to_where_it_fits(self, device: torch.device) -> "Dataset":
        """On the device once and for all when its memory allows, or else here."""
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if self.pixels.nbytes > PIXEL_SHARE * free:
                return self
        return self.to(device)

    def balanced(self) -> "Dataset":
        """With weights under which classes weigh the same within every source, mean 1."""
        weights = balanced_weights(
            self.labels.numpy(), self.sources.numpy(), self.weights.numpy(), most=MOST
        )
        return replace(self, weights=torch.from_numpy(weights).float())
