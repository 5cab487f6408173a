"""The record store's part that keeps moderators' notes, and that a person read something."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.errors import Conflict
from service.review.case import Note
from service.storage.database import SqlDatabase, microseconds, moment, take_turns, unbroken
from service.storage.documents import listed
from service.storage.tables.review import NOTES


class SqlNotes(SqlDatabase):
    """`review.ports.NoteStore` on SQL."""

    @unbroken
    async def add_note(self, note: Note, *, request_id: str = "") -> Note:
        """See `NoteStore.add_note`. The audit log records that there is a note, not what it says."""
        row: dict[str, Any] = {
            "about": note.about,
            "moderator": note.moderator,
            "text": note.text,
            "written_at": microseconds(note.written_at),
            "request_id": request_id,
        }
        async with self.write() as tx:
            if request_id and (earlier := await _kept(tx, note, request_id)):
                return earlier
            await tx.execute(NOTES.insert().values(row))
            await append(tx, now=self.now(), actor=note.moderator, action="note.add", subject=note.about)
        return note

    @unbroken
    async def notes(self, about: Collection[str]) -> list[Note]:
        """See `NoteStore.notes`."""
        async with self.read() as connection:
            query = select(NOTES).where(NOTES.c.about.in_(listed(connection, about))).order_by(NOTES.c.number.desc())
            return [_note(row) for row in (await connection.execute(query)).mappings()]

    @unbroken
    async def seen(self, reader: str, subject: str, action: str) -> None:
        """See `NoteStore.seen`."""
        async with self.write() as tx:
            await append(tx, now=self.now(), actor=reader, action=action, subject=subject)


async def _kept(tx: AsyncConnection, note: Note, request_id: str) -> Note | None:
    """The moderator's note that this request added before. Raises `Conflict` when it was another request's."""
    await take_turns(tx, f"note/{note.moderator}/{request_id}")
    again = NOTES.c.request_id == request_id, NOTES.c.moderator == note.moderator
    row = (await tx.execute(select(NOTES).where(*again))).mappings().first()
    if row is None:
        return None
    earlier = _note(row)
    if (earlier.about, earlier.text) != (note.about, note.text):
        raise Conflict(f"request_id {request_id!r} was used for another note; send a fresh one")
    return earlier


def _note(row: RowMapping) -> Note:
    return Note(about=row["about"], moderator=row["moderator"], text=row["text"], written_at=moment(row["written_at"]))
