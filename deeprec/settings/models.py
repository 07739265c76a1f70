"""The registry: every model by its name in config.yaml. Its class says the rest, its learner included."""

from deeprec.settings.als import AlsSettings
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.settings.autorec import AutoRecSettings
from deeprec.settings.base import ModelSettings
from deeprec.settings.bias import BiasSettings
from deeprec.settings.blend import BlendSettings
from deeprec.settings.pca import PcaSettings
from deeprec.settings.pmf import PmfSettings
from deeprec.settings.rrn import RrnSettings

ALL = (
    AutoEncoderSettings,
    BiasSettings,
    PcaSettings,
    AlsSettings,
    PmfSettings,
    AutoRecSettings,
    RrnSettings,
    BlendSettings,
)
MODELS: dict[str, type[ModelSettings]] = {kind.model: kind for kind in ALL}
