"""Rubi Studio MT5 bridge."""

__version__ = "3.1.0"
