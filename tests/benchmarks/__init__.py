"""Measurements: each module is one benchmark, run by `./rubi bench NAME`; all print ratios measured in one run."""
