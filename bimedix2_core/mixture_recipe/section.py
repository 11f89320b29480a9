"""Section: the mixture that a profile trains; data and models both begin here."""

from bimedix2_core.errors import ParamsError
from bimedix2_core.params import MixtureParams, Params


def mixture_of(params: Params) -> MixtureParams:
    """The profile's mixture.

    Raises:
        ParamsError: it has none.
    """
    if params.mixture is None:
        raise ParamsError(
            f"profile {params.run.profile} trains no mixture of experts (mixture is null); take demo or bimedix_moe, "
            "or leave out notebook 14_bimedix_moe"
        )
    return params.mixture
