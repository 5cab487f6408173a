"""API keys: who may call the shims. With no keys, anybody who reaches the port."""

import hmac
from collections.abc import Iterable


class Keys:
    """The keys that are let in."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = tuple(key.strip().encode() for key in keys if key.strip())

    @property
    def wanted(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._keys)

    def admit(self, given: str) -> bool:
        """Whether `given` is one of them, in a time that does not reveal which or how nearly."""
        sent = given.encode("utf-8", "surrogatepass")
        equal = [hmac.compare_digest(sent, key) for key in self._keys]  # every one of them, before looking
        return any(equal)
