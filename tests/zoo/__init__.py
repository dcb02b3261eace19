"""A Django app of everything that is awkward for a backup tool.

What is here, and where:

- ``models/``: every Django field class and every awkward kind of key, relation, column and constraint.
- ``sql/``: what no model can say (keyless tables, tables nobody knows, triggers, views, odd names), by vendor.
- ``migrations/``: builds all of that, on SQLite, PostgreSQL and MariaDB; with renamed models, dropped and
  late columns, rows made by a data migration, and a leaf that does not sort last.
- ``values.py``: tables of awkward values by kind, for this app and for other tests.
- ``fill/``: ``fill(using)`` puts awkward rows into every table, once, after ``migrate``;
  ``corrupt_sqlite_values(using)`` then adds what only a damaged SQLite database holds.
- ``extras.py``: what a logical backup cannot hold and has to name (virtual tables, system versioning, large
  objects); nothing calls it unless a test asks.
- ``router.py``: ``AnalyticsEvent`` lives on the alias ``analytics``, where there is one.
- ``bare/``: an app without migrations (label ``zoo_bare``).
- ``tests.zoo_pg``: what only PostgreSQL has, filled by ``tests.zoo_pg.fill.fill_pg(using)``.
- ``python -m tests.zoo URL``: build and fill a zoo in an existing empty database, and print its row counts.

A project that installs it needs ``django.contrib.contenttypes`` as well. On engines that lack something a model
asks for, Django warns and goes on; ``SILENCED_SYSTEM_CHECKS`` lists those warnings.
"""

SILENCED_SYSTEM_CHECKS = [
    "fields.W163",  # comments on columns
    "fields.W344",  # a many-to-many table whose name is also a model's
    "models.W036",  # conditional unique constraints
    "models.W037",  # conditional indexes
    "models.W038",  # deferrable unique constraints
    "models.W039",  # unique constraints with non-key columns
    "models.W040",  # indexes with non-key columns
    "models.W043",  # indexes on expressions
    "models.W044",  # unique constraints on expressions
    "models.W046",  # comments on tables
    "models.W047",  # unique constraints where NULL equals NULL
    "mysql.W003",  # raised for generated columns of any length
]
