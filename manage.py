#!/usr/bin/env python
"""Django's command line for the demonstration project."""

import os
import sys


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise ImportError(
            "Django cannot be imported. Is the virtual environment active? `make run` makes one and uses it."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
