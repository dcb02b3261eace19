"""What every engine promises, as tests; each engine's own test module runs them all on its servers.

A subclass has the fixture ``server`` give its servers, and overrides what its engine does in another way.
"""

from tests.engines.contract_places import Places
from tests.engines.contract_promotion import Promoting
from tests.engines.contract_reading import Reading
from tests.engines.contract_restoring import Restoring
from tests.engines.contract_values import Values


class EngineContract(Reading, Values, Restoring, Promoting, Places):
    """The whole contract."""
