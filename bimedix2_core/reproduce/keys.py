"""Keys of files and folders by content; the bytes of a file are read again only when its size or times changed."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from bimedix2_core.runs import content_key, data_key, write_atomic


@dataclass
class Keys:
    """Content keys, as ``data_key`` gives them, remembered in a file: weights of gigabytes are hashed once."""

    file: Path
    """Where they are remembered; a damaged file is made anew."""
    _known: dict[str, list] = field(init=False)

    def __post_init__(self) -> None:
        """Read what is remembered."""
        try:
            known = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        self._known = known if isinstance(known, dict) else {}

    def key(self, path: Path) -> str | None:
        """The key of a file or of a folder with all below it; None where there is nothing."""
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return content_key([[file.relative_to(path).as_posix(), self._file_key(file)] for file in files])
        return self._file_key(path) if path.is_file() else None

    def save(self) -> None:
        """Remember them for the next run; files that are gone are forgotten."""
        known = {name: entry for name, entry in self._known.items() if Path(name).is_file()}
        write_atomic(self.file, json.dumps(known, indent=0) + "\n")

    def _file_key(self, path: Path) -> str:
        stat = path.stat()
        seen = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        name = str(path.resolve())
        entry = self._known.get(name)
        if not isinstance(entry, list) or entry[:-1] != seen:
            self._known[name] = entry = [*seen, data_key(path)]
        return entry[-1]
