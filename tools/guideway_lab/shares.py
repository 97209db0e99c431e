# SPDX-License-Identifier: Apache-2.0
"""Whether a distribution of connections is what the slot table promises."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Share:
    """One backend's part: `count` of `total`, when its share of the slots is `expected`."""

    count: int
    total: int
    expected: float

    @property
    def found(self):
        return self.count / self.total if self.total else 0.0

    @property
    def deviations(self):
        """Distance from the expectation in standard deviations of the binomial distribution."""
        difference = self.count - self.total * self.expected
        deviation = math.sqrt(self.total * self.expected * (1 - self.expected))
        if deviation == 0:  # All or nothing is expected: any difference is too much.
            return math.copysign(math.inf, difference) if difference else 0.0
        return difference / deviation
