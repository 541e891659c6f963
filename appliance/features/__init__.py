"""The features, in the order in which they start. Each is a module of this folder, imported and listed here."""

from appliance.features.board import Board
from appliance.features.feature import Context, Feature

FEATURES: tuple[type[Feature], ...] = (Board,)

__all__ = ["FEATURES", "Context", "Feature"]
