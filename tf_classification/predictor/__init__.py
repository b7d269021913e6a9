"""The one way to ask a model: ``open(path)``, whatever the model is stored as.

Nothing here imports TensorFlow until a model is opened that needs it.
"""

from tf_classification.predictor.opening import open
from tf_classification.predictor.predictor import Predictor

__all__ = ["Predictor", "open"]
