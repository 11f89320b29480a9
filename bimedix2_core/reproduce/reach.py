"""Reach: which modules of the core a piece of code imports, which files lie beside them, which parameters they read.

Found by reading the code, never by running it. A module's key is that of its statements: comments, layout and
docstrings do not count.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import bimedix2_core
from bimedix2_core.reproduce.reads import params_read
from bimedix2_core.runs import content_key

_Stat = tuple[int, int, int]


@dataclass(frozen=True)
class Code:
    """What one piece of Python depends on."""

    key: str
    """Content key of its statements."""
    imports: frozenset[str] = frozenset()
    """Dotted names it imports, inside functions too; a name may be that of a function."""
    params: frozenset[str] = frozenset()
    """Dotted paths it reads from ``params``, such as ``run.seed`` or ``stage1``; an empty one is the whole profile."""


@dataclass
class Core:
    """The modules of the core package; a file is read again when its size or times change."""

    folder: Path = field(default_factory=lambda: Path(bimedix2_core.__file__).parent)
    _read: dict[Path, tuple[_Stat, Code]] = field(default_factory=dict)

    def reached(self, names: Iterable[str]) -> dict[Path, Code]:
        """The modules that imports of these names reach, directly and through each other, by file."""
        found: dict[Path, Code] = {}
        waiting = sorted(names)
        while waiting:
            for file in self._files(waiting.pop()):
                if file not in found:
                    found[file] = self._code(file)
                    waiting += sorted(found[file].imports)
        return dict(sorted(found.items()))

    def data_beside(self, modules: Iterable[Path]) -> tuple[Path, ...]:
        """Data files in the folders of these modules, and in folders below that hold no modules themselves."""
        folders = {module.parent for module in modules}
        return tuple(sorted(file for folder in folders for file in _data_files(folder)))

    def _files(self, name: str) -> Iterator[Path]:
        """Files that importing this name runs: the module's own and those of the packages it is in."""
        package, *parts = name.split(".")
        if package != self.folder.name:
            return
        place = self.folder
        yield place / "__init__.py"
        for part in parts:
            place = place / part
            if (place / "__init__.py").is_file():
                yield place / "__init__.py"
            elif place.with_name(f"{part}.py").is_file():
                yield place.with_name(f"{part}.py")
                return
            else:
                return

    def _code(self, file: Path) -> Code:
        status = file.stat()
        stat = (status.st_mtime_ns, status.st_size, status.st_ino)
        if file not in self._read or self._read[file][0] != stat:
            self._read[file] = (stat, code_of(file.read_text(encoding="utf-8"), is_module=True))
        return self._read[file][1]


def code_of(source: str, *, is_module: bool) -> Code:
    """What a module or a cell depends on; code that is no Python has its text as its key, and runs into its error.

    Args:
        source: the code.
        is_module: whether texts that stand alone are docstrings; at the end of a cell they are shown.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return Code(content_key(source))
    imports, params = frozenset(_imports(tree)), params_read(tree)
    if not is_module and tree.body and ast.unparse(tree.body[-1]) == "params":
        params |= {""}  # the cell shows the profile
    if is_module:
        _drop_docstrings(tree)
    return Code(content_key(ast.unparse(tree)), imports, params)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [
                one
                for one in node.body
                if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
                        and isinstance(one.value.value, str))
            ]  # fmt: skip


def _data_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix not in (".py", ".pyc") and not path.name.startswith("."):
            yield path
        elif path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").is_file():
            yield from _data_files(path)
