"""What lies in storage: objects over a Django storage, sealed and signed. See docs/format.md."""

from backups.repository.repository import Committed, Listed, Repository

__all__ = ["Committed", "Listed", "Repository"]
