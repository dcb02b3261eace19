"""A Django app of what only PostgreSQL has; on any other engine it has no tables.

It needs ``django.contrib.postgres``, which needs the driver even to be imported. See ``tests.zoo``.
"""
