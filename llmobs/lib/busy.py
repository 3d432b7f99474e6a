"""How busy the machine is, for jobs that give way."""

import psutil


class Busy:
    """What one job remembers of the machine. Not for several threads."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def percent(self) -> float:
        """How much of all cores was at work since this was asked last, 0 to 100; 0 where no time has passed."""
        before, self._before = self._before, psutil.cpu_times()
        spent = sum(self._before) - sum(before)
        idle = self._before.idle - before.idle + getattr(self._before, "iowait", 0.0) - getattr(before, "iowait", 0.0)
        return max(0.0, 100 * (1 - idle / spent)) if spent > 0 else 0.0
