"""Reads: which parts of the profile a piece of code reads, found from what it writes after ``params``.

Everywhere in the core a profile is called ``params``, so ``params.run.seed`` and ``run.params.run.seed`` are readings
of ``run.seed``. A name given to a part inside a function, as in ``data = params.data``, is followed.
"""

import ast

Path = tuple[str, ...]


def params_read(tree: ast.AST) -> frozenset[str]:
    """Dotted paths below ``params``; one that ends in ``__class__`` is asked only for its kind (``isinstance``).

    ``params`` handed on as a whole is no reading: what it is handed to is looked at itself.
    """
    reader = _Reader()
    reader.visit(tree)
    return frozenset(".".join(path) for path in reader.paths)


class _Reader(ast.NodeVisitor):
    """Walks through the code with the names that stand for parts of the profile where it is."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()
        self.aliases: dict[str, Path] | None = None
        """Names inside the function at hand; None outside of functions, where others may use a name later."""

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outside = self.aliases
        arguments = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        self.aliases = {name: path for name, path in (outside or {}).items() if name not in arguments}
        self.generic_visit(node)
        self.aliases = outside

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name ast calls

    def visit_Assign(self, node: ast.Assign) -> None:
        path = self._path(node.value)
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if self.aliases is not None and path and len(names) == len(node.targets) == 1 and names[0] not in self.aliases:
            self.aliases[names[0]] = path
            return
        for name in names:  # a name for two things: the whole of what it stood for counts
            if self.aliases and name in self.aliases:
                self.paths.add(self.aliases[name])
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        asked = self._path(node.args[0]) if node.args else None
        if asked and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            self.paths.add((*asked, "__class__"))
            return
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._read(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._read(node)

    def _read(self, node: ast.Name | ast.Attribute) -> None:
        path = self._path(node)
        if path:
            self.paths.add(path)
        elif path is None:
            self.generic_visit(node)

    def _path(self, node: ast.expr) -> Path | None:
        """Below ``params``: empty for ``params`` itself; None for something else."""
        if isinstance(node, ast.Name):
            return () if node.id == "params" else (self.aliases or {}).get(node.id)
        if isinstance(node, ast.Attribute):
            if node.attr == "params":
                return ()
            above = self._path(node.value)
            return None if above is None else (*above, node.attr)
        return None
