"""``prune_backups`` and ``pin_backup``, as somebody at a terminal meets them; local files."""

from tests.commands.site import Site


def actions(document: dict[str, object]) -> list[tuple[int, str]]:
    backups: list[dict[str, object]] = document["backups"]  # type: ignore[assignment]
    return [(backup["number"], backup["action"]) for backup in backups]  # type: ignore[misc]


def test_prune_undelete_pin_sweep(backed_up: Site) -> None:
    site = backed_up
    site.settings["BACKUPS"] = {"RETENTION": {"last": 1}}
    for _ in range(2):
        site.manage("backup_db").fine()
    first, second, third = site.backups()
    before = site.tree()
    plan = site.manage("prune_backups", "--dry-run", "--json").fine().json
    assert actions(plan) == [(3, "keep"), (2, "remove"), (1, "keep")] and site.tree() == before
    assert plan["backups"][2]["reasons"] == ["the newest that has passed at level restore"]
    assert (plan["dry_run"], plan["stopped"], plan["problems"], plan["freed_bytes"]) == (True, [], [], 0)

    done = site.manage("prune_backups").fine()
    assert f"{second}       2  to the trash" in done.out and "no rule keeps it" in done.out
    assert site.backups() == [first, third]
    listed = site.manage("list_backups", "--json").fine().json
    assert [backup["id"] for backup in listed] == [third, first]

    back = site.manage("prune_backups", "--undelete", second[:-2]).fine()
    assert f"Brought back {second} (number 2)" in back.out and "It is pinned" in back.out
    assert site.manage("prune_backups", "--json").fine().json["backups"][1]["reasons"] == [
        "pinned: brought back from the trash"
    ]
    site.manage("verify_backup", second).fine()

    loose = site.manage("pin_backup", second, "--unpin", "--json").fine().json
    assert loose == {"database": "default", "backup": second, "pinned": False, "reason": ""}
    pinned = site.manage("pin_backup", first, "--reason", "the audit").fine()
    assert pinned.out == f"Backup {first} of default is pinned: prune_backups keeps it (the audit).\n"


def test_what_is_refused_is_refused_in_a_sentence(backed_up: Site) -> None:
    site = backed_up
    site.manage("prune_backups", "--undelete", "2026").refused("There is no backup '2026' in the trash")
    site.manage("pin_backup", "1999").refused("There is no backup '1999'")
    site.manage("prune_backups", "--confirm", "latest").refused("is not suspicious")
    site.settings["BACKUPS"] = {"RETENTION": {"last": 0}}
    site.manage("prune_backups").refused("keeps no backup at all")
    site.settings["BACKUPS"] = {}
    manifest = next((site.storage / "default" / "backups").iterdir())
    manifest.write_bytes(manifest.read_bytes() + b"!")
    document = site.manage("prune_backups", "--json")
    document.refused("Nothing was deleted", "is damaged")
    assert set(document.json) == {"error", "hint"}
    site.manage("prune_backups", "--dry-run").found("Nothing would be removed", "is damaged")
