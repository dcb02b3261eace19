"""Every error that Lifeboat raises, as one tree.

    BackupsError
    ├── ConfigurationError        a setting is missing, wrong or unsafe
    ├── LockHeld                  somebody else is at work on this database
    ├── HeartbeatLost             the run was held up so long that others may have taken it for dead
    ├── SourceError               the database cannot be read as it is
    │   ├── UnreadableValue       one value of one row
    │   ├── SourceCorrupt         the database itself is damaged
    │   └── SourceChanged         its tables changed while they were being read
    ├── TargetError               the place to restore to is not fit
    │   ├── TargetExists
    │   └── EngineMismatch
    ├── RestoreError              a row, statement or constraint did not go in
    ├── UnknownBackup             no such backup, or several
    ├── PruneStopped              nothing is pruned until somebody has looked
    └── RepositoryError           what lies in storage
        ├── StorageUnavailable    unreachable, full, read-only
        ├── NameTaken             a name would be given other bytes
        ├── FormatUnknown         written by a newer version
        ├── WrongRepository       it belongs to another database
        ├── CannotOpen            it is encrypted, and no identity here opens it
        ├── NotVouchedFor         an earlier key signed it, and nothing leads to it
        ├── ObjectMissing
        ├── ObjectRemoved         what was stored a moment ago is gone
        └── ObjectDamaged
            ├── WrongSigningKey
            └── SignatureInvalid

The text of an error says what happened and to what; ``hint`` says what to do next. Neither ever holds a secret.
"""

from __future__ import annotations


class BackupsError(Exception):
    """Something could not be done; the data is as it was."""

    default_hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.default_hint


class ConfigurationError(BackupsError):
    """A setting is missing, wrong or unsafe."""


class LockHeld(BackupsError):
    """Somebody else is at work on this database."""

    default_hint = "Wait until it has finished, then try again."


class HeartbeatLost(BackupsError):
    """The run was held up for so long, or its sign of life was removed, that others may have taken it for dead."""

    default_hint = "Nothing was committed. Run it again: what it had stored is not stored twice."


class SourceError(BackupsError):
    """The database cannot be read as it is."""


class UnreadableValue(SourceError):
    """One value cannot be written down, so there is no backup rather than a false one."""

    def __init__(self, table: str, key: str, column: str, reason: str) -> None:
        super().__init__(f"The value in table {table}, primary key {key}, column {column} cannot be read: {reason}.")
        self.table = table
        self.key = key
        self.column = column


class SourceCorrupt(SourceError):
    """The database itself is damaged."""

    default_hint = "Nothing was stored. Restore the newest backup beside it: manage.py restore_db --to NAME."


class SourceChanged(SourceError):
    """A table was truncated, altered or dropped while it was being read."""

    default_hint = "No backup was taken. Run it again when no migration is under way."


class TargetError(BackupsError):
    """The place to restore to is not fit."""


class TargetExists(TargetError):
    """A restore only ever makes a fresh database."""

    default_hint = "Nothing was changed. Choose a name that no database has yet."


class EngineMismatch(TargetError):
    """The backup was taken from another engine than the one it is to be restored to."""


class RestoreError(BackupsError):
    """A row, statement or constraint did not go in; the half-made database was dropped."""

    def __init__(self, message: str, *, table: str = "", key: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.table = table
        self.key = key


class UnknownBackup(BackupsError):
    """No backup has that id, or several begin with it."""

    default_hint = "manage.py list_backups shows what there is."


class PruneStopped(BackupsError):
    """Nothing is pruned while it is unclear what may be: no backup needs that, and a wrong step cannot be undone."""

    default_hint = (
        "Nothing was deleted. manage.py verify_backup --level stored tells more; new backups are taken all the same."
    )


class RepositoryError(BackupsError):
    """Something is wrong with what lies in storage."""


class StorageUnavailable(RepositoryError):
    """The storage is unreachable, full or read-only."""

    default_hint = "Nothing was committed. Check the storage that STORAGES['backups'] names, then run it again."


class NameTaken(RepositoryError):
    """A name already stands for other bytes, and no name is ever given other bytes."""


class FormatUnknown(RepositoryError):
    """The object was written by a newer version than this one."""

    default_hint = "Install the version of django-lifeboat that wrote it, or a newer one."


class WrongRepository(RepositoryError):
    """The repository belongs to another database."""


class CannotOpen(RepositoryError):
    """It is encrypted, and no identity here opens it: we are the wrong ones, which says nothing of the backup."""

    default_hint = (
        "Set BACKUPS['IDENTITY_FILE'] to the age identity file, or the SSH private key, of one of the recipients. "
        "Without one, verify_backup --level stored still checks every stored byte."
    )


class NotVouchedFor(RepositoryError):
    """An earlier key signed it, and neither the catalogue nor a backup under today's key knows of it."""


class ObjectMissing(RepositoryError):
    """An object that a manifest names is not in storage."""

    def __init__(self, name: str, *, hint: str = "") -> None:
        super().__init__(f"The object {name} is missing from the repository.", hint=hint)
        self.name = name


class ObjectRemoved(RepositoryError):
    """An object that this run had stored a moment ago is gone: nobody who keeps the rules removes it."""

    default_hint = (
        "Nothing was committed. Find out who else deletes there (a lifecycle rule, another tool, somebody by hand), and see that "
        "the clocks of all hosts are right; then run it again: what it had stored is not stored twice."
    )

    def __init__(self, name: str, where: str, *, hint: str = "") -> None:
        super().__init__(
            f"The object {name}, which this run had just stored in {where}, is gone: somebody removed it.", hint=hint
        )
        self.name = name


class ObjectDamaged(RepositoryError):
    """An object's bytes are not the ones that were written."""

    def __init__(self, name: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"The object {name} is damaged: {reason}.", hint=hint)
        self.name = name
        self.reason = reason


class WrongSigningKey(ObjectDamaged):
    """The object was signed with a key that this project does not have."""

    default_hint = (
        "Set BACKUPS['SIGNING_KEY'], or add the earlier key to BACKUPS['SIGNING_KEY_FALLBACKS'] "
        "(without them it is derived from SECRET_KEY and SECRET_KEY_FALLBACKS)."
    )


class SignatureInvalid(ObjectDamaged):
    """The key is known and the signature does not fit: the object was tampered with."""

    default_hint = "Do not trust this backup. Look for another copy, and find out who can write to the storage."
