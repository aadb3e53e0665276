"""Executes the Expert Advisor's real MQL5 source on Linux, for the tests."""
