"""MQL5 to C++17, for the subset the Expert Advisor is written in."""

from mql5.host.translate.errors import Problem, TranslationError
from mql5.host.translate.program import Translation, translate

__all__ = ["Problem", "Translation", "TranslationError", "translate"]
