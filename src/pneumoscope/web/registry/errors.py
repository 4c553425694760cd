"""What can go wrong with the choice of a model, beside the bundle itself."""

from pneumoscope.core.errors import BundleError


class NoLiveModel(BundleError):
    """Nothing is live for this site."""

    code = "no_live_model"
    remedy = "Run `python -m pneumoscope.web bootstrap`, or promote a registered model."
