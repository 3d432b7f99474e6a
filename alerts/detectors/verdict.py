"""What every detector answers."""

from dataclasses import dataclass
from datetime import datetime

from alerts.detectors.usual import Usual


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look found. Values are in the metric's unit.

    `broken` is None when there is too little to say; `value` is None when there is nothing to measure. `threshold` is
    where the value breaks the rule. `began_at` is the start of the first bucket of the stretch that breaks it.
    `lasting` means that it cannot be one bad minute: it went on for two stretches, or is far past the threshold.
    """

    broken: bool | None
    sentence: str
    value: float | None = None
    n: int = 0
    threshold: float | None = None
    usual: Usual | None = None
    began_at: datetime | None = None
    lasting: bool = False
