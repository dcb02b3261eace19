"""Every scenario, by the name that ``--scenario`` takes."""

from benchmarks.scenarios.base import Comparison, Contender, Limit, Measured, Scenario, Sizes
from benchmarks.scenarios.encrypted import EncryptedOnPostgreSQL, EncryptedOnSQLite
from benchmarks.scenarios.fixtures import Fixtures
from benchmarks.scenarios.history import History
from benchmarks.scenarios.hourly import HourlyNewest, HourlySpread
from benchmarks.scenarios.memory import MemoryOnMariaDB, MemoryOnPostgreSQL, MemoryOnSQLite
from benchmarks.scenarios.recovery import RecoveryOnPostgreSQL, RecoveryOnSQLite
from benchmarks.scenarios.shop import ShopOnMariaDB, ShopOnPostgreSQL, ShopOnSQLite
from benchmarks.scenarios.small import SmallTables
from benchmarks.scenarios.wide import WideRows

__all__ = ["SCENARIOS", "Comparison", "Contender", "Limit", "Measured", "Scenario", "Sizes"]

SCENARIOS: dict[str, type[Scenario]] = {
    scenario.name: scenario
    for scenario in (
        ShopOnPostgreSQL,
        ShopOnMariaDB,
        ShopOnSQLite,
        WideRows,
        SmallTables,
        HourlyNewest,
        HourlySpread,
        Fixtures,
        EncryptedOnPostgreSQL,
        EncryptedOnSQLite,
        MemoryOnPostgreSQL,
        MemoryOnMariaDB,
        MemoryOnSQLite,
        RecoveryOnPostgreSQL,
        RecoveryOnSQLite,
        History,
    )
}
