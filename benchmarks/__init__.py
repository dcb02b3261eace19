"""Measurements against the databases' own tools and Django's, in one run, as ratios. Run by ``make bench``.

``places`` are database servers and what their own tools can do; ``scenarios`` say what is measured on which data;
``measure`` runs one command; ``results`` keeps what was measured; ``report`` and ``chart`` show it.
"""
