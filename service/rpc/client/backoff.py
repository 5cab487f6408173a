"""How long a client waits before it asks again, and when it gives up."""

import random
import time

from service.errors import AssayError, Overloaded, Unavailable

_FIRST, _LONGEST = 0.1, 5.0


class Backoff:
    """Waits that double from 0.1 s to 5 s, shortened at random so that clients do not return in step.

    Never less than a server asks for. Gives up `patience` seconds after the start or the last `reset`.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.reset()

    def reset(self) -> None:
        """Something succeeded: count again."""
        self._until, self._next = time.monotonic() + self._patience, _FIRST

    def wait_for(self, error: AssayError) -> float | None:
        """Seconds to wait after `error`; None when asking again is pointless or patience is at its end."""
        if not isinstance(error, (Overloaded, Unavailable)):
            return None
        wait = error.retry_after if isinstance(error, Overloaded) else 0.0
        wait = max(wait, self._next * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, hides nothing
        self._next = min(2 * self._next, _LONGEST)
        return wait if time.monotonic() + wait < self._until else None
