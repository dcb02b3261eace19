"""A process that runs already, as a worker of Celery does: for each line that it is sent it backs up, and says the seconds."""

import sys
import time

import django


def main() -> None:
    """Serve until there are no more lines."""
    django.setup()
    from backups.tasks import back_up

    for _ in sys.stdin:
        began = time.monotonic()
        back_up("default")
        print(time.monotonic() - began, flush=True)


if __name__ == "__main__":
    main()
