"""The `seed_shop` command."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum

from shop.models import Customer, Order
from shop.sources import made_up

CDNOW_TOTALS = (69_659, 167_881, Decimal("2500315.63"))
ROOT = Path(__file__).resolve().parents[2]


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def seed_shop(*arguments: str, **options: object) -> str:
    """Run the command here, and return what it wrote."""
    out = io.StringIO()
    call_command("seed_shop", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
def test_cdnow_is_the_default() -> None:
    assert "23,570 customers and 69,659 orders" in seed_shop()
    assert Customer.objects.filter(orders__isnull=False).distinct().count() == 23_570
    totals = Order.objects.aggregate(orders=Count("*"), discs=Sum("quantity"), dollars=Sum("amount"))
    # SQLite adds decimals up as floating-point numbers.
    assert (totals["orders"], totals["discs"], round(totals["dollars"], 2)) == CDNOW_TOTALS


@pytest.mark.django_db
def test_any_size_can_be_made_up() -> None:
    assert "4 customers and 9 orders" in seed_shop("--customers=4", "--orders=9", "--seed=5")
    assert (Customer.objects.count(), Order.objects.count()) == (4, 9)


@pytest.mark.django_db
def test_the_seed_decides() -> None:
    rows = []
    for number in ("1", "1", "2"):
        seed_shop("--customers=4", "--orders=9", "--seed", number, "--clear")
        rows.append(list(Order.objects.values_list("id", "placed", "amount")))
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.django_db
def test_a_shop_that_is_not_empty_is_refused() -> None:
    seed_shop("--customers=4", "--orders=9")
    with pytest.raises(CommandError, match="holds customers and orders already") as caught:
        seed_shop()
    assert caught.value.returncode == 1
    assert Order.objects.count() == 9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--customers=4"], "together, or neither"),
        (["--orders=4"], "together, or neither"),
        (["--customers=0", "--orders=4"], "at least one customer"),
        (["--customers=-1", "--orders=4"], "'-1' is not a number of rows"),
        (["--customers=many", "--orders=4"], "'many' is not a number of rows"),
    ],
)
def test_an_impossible_wish_is_refused_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        seed_shop(*arguments)


@pytest.mark.django_db
def test_progress_is_for_terminals_only() -> None:
    watched, unwatched = Terminal(), io.StringIO()
    seed_shop("--customers=4", "--orders=9", stderr=watched)
    seed_shop("--customers=4", "--orders=9", "--clear", stderr=unwatched)
    assert watched.getvalue() == "\r4 / 13\r13 / 13\n"
    assert unwatched.getvalue() == ""


@pytest.mark.django_db
def test_verbosity_0_says_nothing() -> None:
    watched = Terminal()
    assert seed_shop("--customers=4", "--orders=9", verbosity=0, stderr=watched) == ""
    assert watched.getvalue() == ""


# -- The whole way, as processes, on each engine ------------------------------------------------------------


def missing(what: str) -> None:
    """Skip, or fail where every server must be there."""
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is not set or cannot be used, and REQUIRE_SERVERS is 1.")
    pytest.skip(f"{what} is not set or cannot be used.")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'shop.sqlite3'}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    url = os.environ.get("TEST_POSTGRES_URL") or missing("TEST_POSTGRES_URL")
    psycopg = pytest.importorskip("psycopg")
    name = f"seed_shop_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    url = os.environ.get("TEST_MARIADB_URL") or missing("TEST_MARIADB_URL")
    try:
        import MySQLdb
    except ImportError:
        missing("The MariaDB driver")
    parts = urlsplit(url)
    name = f"seed_shop_{uuid4().hex[:8]}"
    connection = MySQLdb.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username or "root",
        password=parts.password or "",
    )
    connection.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield parts._replace(path=f"/{name}").geturl()
    connection.query(f"DROP DATABASE {name}")
    connection.close()


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """What a process needs to work on a new and empty database."""
    return {
        **os.environ,
        "DATABASE_URL": request.getfixturevalue(f"{request.param}_url"),
        "BACKUPS_DIR": str(tmp_path / "backups"),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "DEBUG": "1",
    }


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py as its users do."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


INSERT = """
from datetime import datetime, UTC
from django.db.models import Sum
from shop.models import Customer, Order
customer = Customer.objects.create(email="new@example.com", name="New", joined=datetime.now(UTC))
order = Order.objects.create(
    number="X-1", customer=customer, placed=datetime.now(UTC), quantity=1, amount="1.00"
)
print(customer.pk, order.pk, Order.objects.aggregate(all=Sum("quantity"))["all"], Customer.objects.get(pk=1).name)
"""


def test_seeding_on_each_engine(environment: dict[str, str]) -> None:
    assert manage(environment, "migrate", "--verbosity=0").returncode == 0
    first = manage(environment, "seed_shop", "--customers=3000", "--orders=5000")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "The shop has 3,000 customers and 5,000 orders now.\n"

    again = manage(environment, "seed_shop")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "CommandError: The shop holds customers and orders already. Give --clear to remove them first.\n"
    )

    inserted = manage(environment, "shell", "-v0", "-c", INSERT)
    discs = 1 + sum(order.quantity for order in made_up(3_000, 5_000).order_rows())
    assert inserted.stdout.split() == ["3001", "5001", str(discs), "渡辺", "葵"], inserted.stderr

    cleared = manage(environment, "seed_shop", "--customers=10", "--orders=10", "--clear")
    assert (cleared.returncode, cleared.stderr) == (0, "")
