"""The page at `/`: its files, the connector to download, and the policy that keeps foreign code out of it."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi import Path as InPath
from fastapi.responses import RedirectResponse

from rubi.domain.errors import NotFoundError
from rubi.settings import PROJECT_ROOT
from rubi.web import Asset, page

router = APIRouter(include_in_schema=False)

# No text becomes markup or code, whatever a script of the page tries: that is what trusted types are asked for.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_IMMUTABLE = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_CONNECTOR = PROJECT_ROOT / "mql5" / "RubiStudioConnector.mq5"
_PRESET = PROJECT_ROOT / "mql5" / "Presets" / "RubiStudioConnector.demo.set"

IfNoneMatch = Annotated[str | None, Header()]
AcceptEncoding = Annotated[str, Header()]


@router.get("/")
async def index(if_none_match: IfNoneMatch = None, accept_encoding: AcceptEncoding = "") -> Response:
    """The terminal page."""
    headers = {
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    return told(page().index, if_none_match, accept_encoding, headers)


@router.get("/favicon.ico")
async def icon() -> Response:
    """Browsers ask for it unasked."""
    return RedirectResponse(f"/assets/{page().digest}/icon.svg", 308)


@router.get("/assets/{digest}/{name:path}")
async def asset(
    digest: str,
    name: Annotated[str, InPath(max_length=200)],
    if_none_match: IfNoneMatch = None,
    accept_encoding: AcceptEncoding = "",
) -> Response:
    """A file of the page. Under another version's digest it is this version's, and not to be kept."""
    found = page().assets.get(name)
    if found is None:
        raise NotFoundError("FILE_NOT_FOUND", f"the page has no file {name}")
    cache = _IMMUTABLE if digest == page().digest else _ASK_AGAIN
    return told(found, if_none_match, accept_encoding, {"Cache-Control": cache})


@router.get("/downloads/RubiStudioConnector.mq5")
async def connector() -> Response:
    """The Expert Advisor, one file to compile in MetaEditor."""
    return _download(_CONNECTOR.name, _read(_CONNECTOR))


@router.get("/downloads/RubiStudioConnector.set")
async def preset() -> Response:
    """The inputs for a demo account. Its address and token are filled in by the page: no token is ever in a URL."""
    return _download("RubiStudioConnector.set", _read(_PRESET))


def told(
    found: Asset, if_none_match: str | None, accept_encoding: str, headers: dict[str, str] | None = None
) -> Response:
    """A file as an answer: 304 when the browser has it, small when the browser can read that."""
    said = {"ETag": found.etag, "Cache-Control": _ASK_AGAIN, "Vary": "Accept-Encoding", **(headers or {})}
    if if_none_match is not None and found.etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}:
        return Response(status_code=304, headers=said)
    content = found.content
    if "gzip" in accept_encoding and found.gzipped is not None:
        content = found.gzipped
        said["Content-Encoding"] = "gzip"
    return Response(content, headers=said, media_type=found.kind)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise NotFoundError(
            "CONNECTOR_NOT_HERE", f"this installation has no {path.name}; it is in the folder mql5 of the project"
        ) from None


def _download(name: str, content: bytes) -> Response:
    return Response(
        content,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": _ASK_AGAIN},
        media_type="application/octet-stream",
    )
