"""An app without migrations: a table, and no row in ``django_migrations`` that knows of it."""
