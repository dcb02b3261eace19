"""What happens in the shop between two backups: 1 % of the rows are changed, added or deleted. PostgreSQL's SQL."""

from __future__ import annotations

_CHANGED = {
    "shop_order": "status = CASE status WHEN 'paid' THEN 'shipped' ELSE 'paid' END, amount = amount + 1",
    "shop_customer": "status = CASE status WHEN 'active' THEN 'dormant' ELSE 'active' END",
}
_ADDED = {
    "shop_order": (
        "number, customer_id, placed, status, quantity, amount, details",
        "'N{turn}-' || id, customer_id, placed + interval '1 hour', 'placed', quantity, amount, details",
    ),
    "shop_customer": (
        "email, name, joined, status, preferences",
        "'new.{turn}.' || email, name, joined + interval '1 hour', status, preferences",
    ),
}
# Orders point at customers, so customers are not deleted.
_DELETED = ("shop_order",)


def statements(turn: int, *, newest: bool) -> list[str]:
    """Return the SQL of one turn: of each table 0.6 % changed, 0.2 % added at the end, 0.2 % of the orders deleted.

    ``newest`` chooses the changed and the deleted among the last 2 % of the ids, else they lie evenly among all.
    """
    among = 10 if newest else 500
    found = []
    for table in _CHANGED:
        # A place in the cycle, other rows each turn; ids that were deleted before leave it a little short.
        place = f"(id + {turn * 7}) % {among}"
        recent = f"id > (SELECT max(id) - (max(id) - min(id)) / 50 FROM {table})" if newest else "true"
        columns, values = _ADDED[table]
        found.append(f"UPDATE {table} SET {_CHANGED[table]} WHERE {recent} AND {place} < 3")
        if table in _DELETED:
            found.append(f"DELETE FROM {table} WHERE {recent} AND {place} = 9")
        found.append(
            f"INSERT INTO {table} ({columns}) SELECT {values.format(turn=turn)} FROM {table} WHERE {recent} AND {place} = 8"
            " ORDER BY id"
        )
    return found
