"""The page that shows and tries every call: Swagger's, out of this service's own files."""

from fastapi import APIRouter, Response

from rubi.api.pages import AcceptEncoding, IfNoneMatch, told
from rubi.web import page

router = APIRouter(include_in_schema=False)

# Swagger sets styles as attributes; no foreign script runs and nothing but the service itself can be called.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@router.get("/docs")
async def docs(if_none_match: IfNoneMatch = None, accept_encoding: AcceptEncoding = "") -> Response:
    """Swagger's page over /openapi.json; Authorize logs in by username and password."""
    return told(page().docs, if_none_match, accept_encoding, {"Content-Security-Policy": _POLICY})
