"""Detectors: what they are shown is a `Look`, what they answer is a `Verdict`. No database behind either.

A new one is a module with `judge(look: Look) -> Verdict`, a line here, and a table of cases in `alerts/tests`.
"""

from typing import Final

# Dotted paths, so that a detector with heavy imports costs only the processes that judge.
DETECTORS: Final = {
    "fixed_limit": "alerts.detectors.fixed_limit.judge",
    "usual_ratio": "alerts.detectors.usual_ratio.judge",
}
