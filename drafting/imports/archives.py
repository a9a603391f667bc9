"""ZIP archives of anybody's making, read within bounds."""

from __future__ import annotations

import io
import zipfile
import zlib

from drafting.imports.errors import DocumentTooLarge, EncryptedDocument, UnreadableDocument

MAX_MEMBERS = 2_000
MAX_UNPACKED = 64 * 1024 * 1024
MAX_MEMBER = 16 * 1024 * 1024
_ENCRYPTED = 0x1


class Archive:
    """An opened archive. Nothing is unpacked before it is asked for, and never more than MAX_MEMBER bytes of
    a member, whatever size it claims to have."""

    def __init__(self, content: bytes) -> None:
        """Raises UnreadableDocument, EncryptedDocument or DocumentTooLarge."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise UnreadableDocument(details={"reason": "damaged"}) from error
        members = self._zip.infolist()
        if len(members) > MAX_MEMBERS:
            raise DocumentTooLarge(details={"limit_members": MAX_MEMBERS})
        if sum(member.file_size for member in members) > MAX_UNPACKED:
            raise DocumentTooLarge(details={"limit_unpacked_bytes": MAX_UNPACKED})
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise EncryptedDocument
        self.names = tuple(member.filename for member in members)

    def read(self, name: str) -> bytes:
        """A member's bytes. Raises UnreadableDocument or DocumentTooLarge."""
        try:
            with self._zip.open(name) as member:
                content = member.read(MAX_MEMBER + 1)
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise UnreadableDocument(details={"reason": "damaged"}) from error
        if len(content) > MAX_MEMBER:
            raise DocumentTooLarge(details={"limit_unpacked_bytes": MAX_MEMBER})
        return content
