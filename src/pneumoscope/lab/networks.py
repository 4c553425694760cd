"""Every network a recipe may name: (classes, *, dropout, **options) → Network."""

from collections.abc import Callable

from pneumoscope.lab.efficientnet_lite import (
    efficientnet_lite0,
    efficientnet_lite1,
    efficientnet_lite2,
)
from pneumoscope.lab.lung_network import lung_lite0
from pneumoscope.lab.monai_networks import densenet121, resnet18
from pneumoscope.lab.network import Network
from pneumoscope.lab.pneumonet import pneumonet
from pneumoscope.lab.recipe import NetworkRecipe, RecipeError

NETWORKS: dict[str, Callable[..., Network]] = {
    "pneumonet": pneumonet,
    "efficientnet_lite0": efficientnet_lite0,
    "efficientnet_lite1": efficientnet_lite1,
    "efficientnet_lite2": efficientnet_lite2,
    "lung_lite0": lung_lite0,
    "resnet18": resnet18,
    "densenet121": densenet121,
}


def build_network(recipe: NetworkRecipe, classes: int) -> Network:
    """Raises RecipeError for a name that is not in NETWORKS or an option the network has not."""
    if recipe.name not in NETWORKS:
        raise RecipeError(f"There is no network “{recipe.name}”, only {', '.join(NETWORKS)}.")
    try:
        return NETWORKS[recipe.name](classes, dropout=recipe.dropout, **recipe.options)
    except TypeError as error:
        raise RecipeError(f"[network.options]: {error}.") from error
