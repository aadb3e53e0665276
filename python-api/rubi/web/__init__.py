"""The page's static files, read once a process: each under a name that changes with the content."""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
_SMALLEST_GZIP = 1024


@dataclass(frozen=True)
class Asset:
    """A file of the page."""

    name: str
    kind: str
    content: bytes

    @cached_property
    def etag(self) -> str:
        """Changes with the content."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @cached_property
    def gzipped(self) -> bytes | None:
        """The content made small; None where that is not worth it."""
        if len(self.content) < _SMALLEST_GZIP:
            return None
        return gzip.compress(self.content, 6, mtime=0)


@dataclass(frozen=True)
class Page:
    """All files of the page, and the digest under which they are immutable."""

    assets: dict[str, Asset]
    digest: str
    index: Asset = field(repr=False)
    docs: Asset = field(repr=False)


@lru_cache(maxsize=1)
def page() -> Page:
    """The page as it lies in this folder."""
    assets = {}
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        name = path.relative_to(FOLDER).as_posix()
        if not path.is_file() or path.suffix not in _KINDS or "__pycache__" in name:
            continue
        asset = Asset(name, _KINDS[path.suffix], path.read_bytes())
        digest.update(name.encode() + b"\0" + hashlib.sha256(asset.content).digest())
        assets[name] = asset
    version = digest.hexdigest()[:16]
    index, docs = assets.pop("index.html"), assets.pop("docs.html")
    return Page(assets, version, _placed(index, version, _modules(assets)), _placed(docs, version))


def _modules(assets: dict[str, Asset]) -> list[str]:
    """What the page imports: named in the document, it is fetched at once instead of import by import."""
    kinds = (".js", ".mjs")
    return [name for name in assets if name.endswith(kinds) and "swagger" not in name and name != "js/docs.js"]


def _placed(asset: Asset, version: str, modules: Sequence[str] = ()) -> Asset:
    """A document whose links lead to this version of the files."""
    links = "\n".join(f'<link rel="modulepreload" href="{{{{assets}}}}/{name}">' for name in modules)
    text = asset.content.replace(b"{{modules}}", links.encode())
    return Asset(asset.name, asset.kind, text.replace(b"{{assets}}", f"/assets/{version}".encode()))
