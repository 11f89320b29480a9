"""The parameters of a run: the schema of a profile, and how one is read."""

from bimedix2_core.params.benchmarks import (
    BenchmarkParams,
    ClinicalQaParams,
    MbenchParams,
    MedicalVqaParams,
    ReportsParams,
    UphillParams,
    VqaSetParams,
)
from bimedix2_core.params.data_engine import (
    CompositionParams,
    MachinesParams,
    ServerParams,
    SynthesisJob,
    SynthesisParams,
    TranslationParams,
)
from bimedix2_core.params.mixture import MixtureData, MixtureParams, MixtureTraining, UpcycledBase
from bimedix2_core.params.reading import DEFAULT_PROFILE, load_params, read_profile, root
from bimedix2_core.params.sections import (
    BaseParts,
    InferenceParams,
    LlavaData,
    ModelParams,
    NoData,
    Params,
    PhantomData,
    RandomBase,
    RunParams,
)
from bimedix2_core.params.stages import AdapterParams, Stage2Params, StageParams

__all__ = [
    "DEFAULT_PROFILE",
    "AdapterParams",
    "BaseParts",
    "BenchmarkParams",
    "ClinicalQaParams",
    "CompositionParams",
    "InferenceParams",
    "LlavaData",
    "MachinesParams",
    "MbenchParams",
    "MedicalVqaParams",
    "MixtureData",
    "MixtureParams",
    "MixtureTraining",
    "ModelParams",
    "NoData",
    "Params",
    "PhantomData",
    "RandomBase",
    "ReportsParams",
    "RunParams",
    "ServerParams",
    "Stage2Params",
    "StageParams",
    "SynthesisJob",
    "SynthesisParams",
    "TranslationParams",
    "UpcycledBase",
    "UphillParams",
    "VqaSetParams",
    "load_params",
    "read_profile",
    "root",
]
