"""How the package is built, in numbers: size, imports, functions, names, and sentences of the docs.

    python -m benchmarks.structure [ROOT]        # of this checkout, or of another one

Lines of code leave out docstrings, comments and blank lines. Imports are read from the source, also
those inside functions, but not those for type checkers only. Rooms are the folders and modules at
the package's root; an import upwards goes against the order of `LAYERS`, which says nothing of
rooms that it does not name.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "eclipsed"
# From the ground up; a room may import those of its own layer and of lower ones.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("types", "errors", "files", "naming", "ranges", "__version__"),
    ("cache", "checkpoints", "directions", "hub"),
    ("generators", "segmenters", "encoders", "prompts"),
    ("foreign", "editing"),
    ("evaluation",),
    ("search",),
    ("methods",),
    ("worlds", "inspect", "testing"),
    ("bench", "jobs"),
    ("app",),
    ("cli",),
)
_SILENT = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


@dataclass(frozen=True)
class Module:
    """A source file: its dotted name, its tree, and its lines of code."""

    name: str
    tree: ast.Module
    code: frozenset[int]

    @property
    def room(self) -> str:
        """The folder or module at the package's root that it belongs to."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "__init__"


def docstring_of(node: ast.AST) -> ast.expr | None:
    """The expression that is a module's, class's or function's docstring."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
        value = body[0].value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value
    return None


def code_lines(text: str, tree: ast.Module) -> frozenset[int]:
    """Numbers of the lines that hold code."""
    used: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            used |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if (doc := docstring_of(node)) is not None:
            used -= set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1))
    return frozenset(used)


def modules_of(source: Path) -> dict[str, Module]:
    """Dotted name → module, of a package's folder."""
    modules = {}
    for path in sorted(source.rglob("*.py")):
        parts = [source.name, *path.relative_to(source).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        modules[name] = Module(name, tree, code_lines(text, tree))
    return modules


def _statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from _statements(child)


def imports_of(module: Module, modules: dict[str, Module]) -> set[str]:
    """Modules of the package that a module imports."""
    found: set[str] = set()
    for statement in _statements(module.tree):
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            base = statement.module or ""
            names = [f"{base}.{alias.name}" for alias in statement.names]
            names = [name if name in modules else base for name in names]
        found |= {name for name in names if name in modules}
    return found - {module.name}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return groups


def upward(graph: dict[str, set[str]], modules: dict[str, Module]) -> list[str]:
    """Imports of a higher room, as "importer → imported"."""
    height = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
    arrows = []
    for name, others in graph.items():
        room = modules[name].room
        for other in sorted(others):
            target = modules[other].room
            known = room in height and target in height
            if known and height[target] > height[room]:
                arrows.append(f"{name} → {other}")
    return arrows


def functions(module: Module) -> Iterator[tuple[str, int]]:
    """Every function's name and lines of code, its signature included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            yield f"{module.name}.{node.name}", len(module.code & set(lines))


def unprefixed(module: Module) -> int:
    """Top-level functions, classes and assigned names without a leading underscore."""
    names: set[str] = set()
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return sum(not name.startswith("_") for name in names)


def sentence_lengths(page: str) -> list[int]:
    """Words of each sentence of a Markdown page; code, tables and headings are left out."""
    text = re.sub(r"```.*?```", "\n\n", page, flags=re.S)
    lines = [line for line in text.split("\n") if not re.match(r"\s*(\||#|!\[|<)", line)]
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", "\n".join(lines))
    blocks = re.split(r"\n\s*\n|\n\s*[-*] |\n\d+\. ", text)
    sentences = [s for block in blocks for s in re.split(r"(?<=[.!?:])\s+", block.strip())]
    return [count for s in sentences if (count := len(re.findall(r"\w[\w'’.-]*", s))) > 2]


def report(root: Path) -> Iterator[str]:
    """Lines of a Markdown report on a checkout."""
    modules = modules_of(root / "src" / PACKAGE)
    graph = {name: imports_of(module, modules) for name, module in modules.items()}
    importers: dict[str, int] = defaultdict(int)
    for others in graph.values():
        for other in others:
            importers[other] += 1
    rooms: dict[str, list[int]] = defaultdict(list)
    for module in modules.values():
        rooms[module.room].append(len(module.code))
    longest = max((pair for module in modules.values() for pair in functions(module)), key=_second)
    grab = sorted(importers.items(), key=_second, reverse=True)
    base = list((root / "src" / PACKAGE).glob("*.py"))
    arrows, groups = upward(graph, modules), circles(graph)
    yield "| what | number |"
    yield "|---|---|"
    yield f"| files | {len(modules)} |"
    yield f"| lines of code | {sum(map(sum, rooms.values())):,} |"
    yield f"| modules at the root | {len(base)} |"
    yield f"| circles | {len(groups)} {'; '.join(' ↔ '.join(group) for group in groups)} |"
    yield f"| imports upwards | {len(arrows)} {'; '.join(arrows)} |"
    yield f"| longest function | {longest[1]} lines, {longest[0]} |"
    yield f"| unprefixed top-level names | {sum(map(unprefixed, modules.values()))} |"
    yield f"| most imported | {', '.join(f'{name} {count}' for name, count in grab[:6])} |"
    yield ""
    yield "| room | files | lines of code |"
    yield "|---|---|---|"
    for room, counts in sorted(rooms.items()):
        yield f"| {room} | {len(counts)} | {sum(counts):,} |"
    yield ""
    yield "| page | sentences | mean words | longest |"
    yield "|---|---|---|---|"
    top = [root / "README.md", root / "CONTRIBUTING.md"]
    for path in [*top, *sorted((root / "docs").glob("*.md"))]:
        if counts := sentence_lengths(path.read_text(encoding="utf-8")):
            mean = sum(counts) / len(counts)
            yield f"| {path.name} | {len(counts)} | {mean:.1f} | {max(counts)} |"


def _second(pair: tuple[str, int]) -> int:
    return pair[1]


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1] if len(sys.argv) > 1 else "."))))
