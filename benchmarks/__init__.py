"""Measurements against the databases' own tools and Django's, in one run, as ratios. Run by ``make bench``."""
