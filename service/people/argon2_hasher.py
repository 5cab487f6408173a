"""Passwords hashed by argon2id, off the event loop and a few at a time: each takes 64 MiB and tens of milliseconds."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2


class Argon2Hasher:
    """`people.ports.Hasher` with the library's own parameters, which follow RFC 9106."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """See `people.ports.Hasher.hash`."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password.encode("utf-8", "surrogatepass"))

    async def verify(self, hashed: str, password: str) -> bool:
        """See `people.ports.Hasher.verify`."""
        async with self._turns:
            right = await asyncio.to_thread(self._verified, hashed or self._nobody, password)
        return right and bool(hashed)

    def _verified(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
