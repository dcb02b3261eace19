"""The catalogue: what the repositories hold and what was done with it, as rows. An index, never the truth.

No foreign key leads to the user model (a name is kept as text), and none of these rows is ever in a backup.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RunStatus(models.TextChoices):
    """How far a run has come."""

    QUEUED = "queued", _("queued")
    """It was asked for, and nobody has taken it up yet."""
    RUNNING = "running", _("running")
    """Somebody is at work, or was and has not been missed yet."""
    COMPLETE = "complete", _("complete")
    """It is done and committed."""
    FAILED = "failed", _("failed")
    """It ended with an error, and left nothing behind."""
    INTERRUPTED = "interrupted", _("interrupted")
    """Its process died; what it had not committed does not count."""
    PRUNED = "pruned", _("pruned")
    """It was a backup, and the policy does not keep it any more."""


class VerificationStatus(models.TextChoices):
    """The outcome of a verification."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    PASSED = "passed", _("passed")
    FAILED = "failed", _("failed")
    ERROR = "error", _("could not run")
    INTERRUPTED = "interrupted", _("interrupted")


UNFINISHED = (RunStatus.QUEUED.value, RunStatus.RUNNING.value)
"""The statuses of a run that is still to come to something, of every kind of run."""


class CheckStatus(models.TextChoices):
    """The outcome of one check."""

    PASSED = "passed", _("passed")
    FAILED = "failed", _("failed")
    ERROR = "error", _("could not run")
    SKIPPED = "skipped", _("skipped")


class VerificationLevel(models.TextChoices):
    """How deep a verification went."""

    SIGNATURE = "signature", _("signature")
    STORED = "stored", _("stored objects")
    RESTORE = "restore", _("restored and compared")


class RestoreKind(models.TextChoices):
    """What was restored, and into what."""

    COPY = "copy", _("fresh database")
    """A whole backup into a fresh database."""
    REPLACEMENT = "replacement", _("replacement")
    """A proven copy took the live database's place."""
    UNDOING = "undoing", _("undone")
    """The database that was kept took its place again."""
    ROWS = "rows", _("single rows")
    """Rows came back into the live database."""


class CopyStatus(models.TextChoices):
    """Whether a copy has a backup."""

    HAS = "has", _("has it")
    LACKS = "lacks", _("lacks it")
    PRUNED = "pruned", _("has pruned it")


class Run(models.Model):
    """What every run has: its name, when, for whom, and where its process lives.

    ``process`` tells that process from a later one of the same id, as ``repository.processes`` has it; empty where the
    platform does not.
    """

    id = models.CharField(_("id"), max_length=32, primary_key=True)
    database = models.CharField(_("database"), max_length=100, db_index=True, help_text=_("Alias of DATABASES."))
    started = models.DateTimeField(_("started"), db_index=True)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)
    requested_by = models.CharField(_("requested by"), max_length=200, blank=True)
    requested_via = models.CharField(_("requested via"), max_length=20, blank=True)
    host = models.CharField(_("host"), max_length=255, blank=True)
    pid = models.PositiveIntegerField(_("process"), null=True, blank=True)
    process = models.CharField(_("beginning of the process"), max_length=200, blank=True)
    error = models.TextField(_("error"), blank=True)
    hint = models.TextField(_("what to do"), blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.id


class Backup(Run):
    """One backup of one database. Sizes are bytes."""

    status = models.CharField(_("status"), max_length=12, choices=RunStatus, default=RunStatus.RUNNING)
    repository = models.CharField(_("repository"), max_length=32, blank=True, db_index=True)
    sequence = models.PositiveIntegerField(_("number"), null=True, blank=True)
    digest = models.CharField(_("digest of the manifest"), max_length=64, blank=True)
    tables = models.PositiveIntegerField(_("tables"), default=0)
    rows = models.PositiveBigIntegerField(_("rows"), default=0)
    chunks = models.PositiveBigIntegerField(_("chunks"), default=0)
    new_chunks = models.PositiveBigIntegerField(_("new chunks"), default=0)
    bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    stored_bytes = models.PositiveBigIntegerField(_("stored bytes"), default=0)
    new_bytes = models.PositiveBigIntegerField(_("newly stored bytes"), default=0)
    contents = models.JSONField(_("rows by table"), default=dict, blank=True)
    uncovered = models.JSONField(_("not covered"), default=list, blank=True)
    warnings = models.JSONField(_("warnings"), default=list, blank=True)

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ("-started", "-sequence")
        permissions = (("run_backup", _("Can back up now")),)


class Verification(Run):
    """One proof of one backup."""

    backup = models.ForeignKey(Backup, models.CASCADE, related_name="verifications", verbose_name=_("backup"))
    level = models.CharField(_("level"), max_length=10, choices=VerificationLevel)
    status = models.CharField(
        _("status"), max_length=12, choices=VerificationStatus, default=VerificationStatus.RUNNING
    )
    restore_seconds = models.FloatField(_("seconds to restore"), null=True, blank=True)
    target = models.CharField(_("restored into"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering = ("-started",)
        permissions = (("run_verification", _("Can verify backups")),)


class Check(models.Model):
    """One line of a verification: what was expected and what was found."""

    verification = models.ForeignKey(
        Verification, models.CASCADE, related_name="checks", verbose_name=_("verification")
    )
    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("check"), max_length=200)
    table = models.CharField(_("table"), max_length=255, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=CheckStatus)
    expected = models.TextField(_("expected"), blank=True)
    actual = models.TextField(_("actual"), blank=True)
    seconds = models.FloatField(_("seconds"), default=0)
    detail = models.TextField(_("detail"), blank=True)

    class Meta:
        verbose_name = _("check")
        verbose_name_plural = _("checks")
        ordering = ("verification", "position")
        constraints = (models.UniqueConstraint(fields=("verification", "position"), name="backups_check_position"),)

    def __str__(self) -> str:
        return f"{self.name} {self.table}".strip()


class Restore(Run):
    """One restore of one backup: into a fresh database, into the live one's place and back, or of single rows.

    ``contents`` says of single rows how many were written: by table, then by what was done. ``kept`` is the name of the
    database that was live before.
    """

    kind = models.CharField(_("kind"), max_length=12, choices=RestoreKind, default=RestoreKind.COPY)
    backup = models.ForeignKey(Backup, models.CASCADE, related_name="restores", verbose_name=_("backup"))
    status = models.CharField(_("status"), max_length=12, choices=RunStatus, default=RunStatus.RUNNING)
    target = models.CharField(_("restored into"), max_length=255)
    tables = models.PositiveIntegerField(_("tables"), default=0)
    rows = models.PositiveBigIntegerField(_("rows"), default=0)
    kept = models.CharField(_("the one before is kept as"), max_length=255, blank=True)
    contents = models.JSONField(_("rows by table"), default=dict, blank=True)
    verification = models.OneToOneField(
        Verification, models.SET_NULL, null=True, blank=True, related_name="restore", verbose_name=_("verification")
    )

    class Meta:
        verbose_name = _("restore")
        verbose_name_plural = _("restores")
        ordering = ("-started",)
        permissions = (("run_restore", _("Can restore into a fresh database")),)


class Copy(models.Model):
    """A copy of a database's backups in another storage, as whoever was there last has found it.

    ``problem`` is the last one that there was, of ``problem_at``; it is over where ``complete`` is later.
    """

    database = models.CharField(_("database"), max_length=100, help_text=_("Alias of DATABASES."))
    storage = models.CharField(_("copy"), max_length=100, help_text=_("Alias of STORAGES."))
    repository = models.CharField(_("repository"), max_length=32, blank=True)
    place = models.TextField(_("place"), blank=True)
    looked = models.DateTimeField(_("looked at"), null=True, blank=True)
    complete = models.DateTimeField(_("up to date at"), null=True, blank=True)
    problem = models.TextField(_("last problem"), blank=True)
    problem_at = models.DateTimeField(_("time of the last problem"), null=True, blank=True)

    class Meta:
        verbose_name = _("copy")
        verbose_name_plural = _("copies")
        ordering = ("database", "storage")
        constraints = (models.UniqueConstraint(fields=("database", "storage"), name="backups_copy_storage"),)

    def __str__(self) -> str:
        return f"{self.database}: {self.storage}"


class CopiedBackup(models.Model):
    """One backup in one copy. ``since`` is when the copy got it, None where nobody asked; ``problem`` why it lacks it."""

    backup = models.ForeignKey(Backup, models.CASCADE, related_name="copies", verbose_name=_("backup"))
    storage = models.CharField(_("copy"), max_length=100, help_text=_("Alias of STORAGES."))
    status = models.CharField(_("status"), max_length=6, choices=CopyStatus)
    since = models.DateTimeField(_("since"), null=True, blank=True)
    problem = models.TextField(_("problem"), blank=True)

    class Meta:
        verbose_name = _("copied backup")
        verbose_name_plural = _("copied backups")
        ordering = ("backup", "storage")
        constraints = (models.UniqueConstraint(fields=("backup", "storage"), name="backups_copied_storage"),)

    def __str__(self) -> str:
        return f"{self.backup_id}: {self.storage}"


class Marker(models.Model):
    """A token that a backup left in the very database that it read, by which the next one knows it again.

    Where a server has lost its last transactions (a crash, a disk rolled back, a failover), the token is lost with them, and the
    next backup reads everything. So no row is ever put here but by a backup: not from the repository, not by a restore.
    """

    token = models.CharField(_("token"), max_length=32, primary_key=True)
    created = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("marker")
        verbose_name_plural = _("markers")

    def __str__(self) -> str:
        return self.token
