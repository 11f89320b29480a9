"""Report ids: published numbers become ids that only who has the data can make again.

A plain hash of an eight-digit number is undone by trying all of them. So the hash is keyed, with a key that the data
give: everybody who has the same file gets the same ids.
"""

import hashlib
import hmac
from pathlib import Path

from bimedix2_core.errors import DataError

_HASH_LENGTH = 16


class Ids:
    """Makes ids that tell nothing to who does not have the file they are keyed with.

    Raises:
        DataError: there is no such file.
    """

    def __init__(self, file: Path, *, raw_ids: bool = False) -> None:
        if not file.is_file():
            raise DataError(f"{file}: no such data file; download it, or change the profile's data section")
        self.key = b"" if raw_ids else _secret(file)

    def __call__(self, id: str) -> str:
        """The id as it may be written: 16 hexadecimal digits, or itself where raw ids are kept."""
        return hmac.new(self.key, id.encode(), hashlib.sha256).hexdigest()[:_HASH_LENGTH] if self.key else id


def _secret(file: Path) -> bytes:
    """A key that only the file gives; its plain SHA-256 is published."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(person=b"report ids")).digest()
