"""The page that shows and tries every call."""

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter()

_CDN = "https://cdn.jsdelivr.net"
# The page's own start-up script is inline; nothing but the service itself can be called from it.
_POLICY = (
    f"default-src 'none'; script-src 'unsafe-inline' {_CDN}; style-src 'unsafe-inline' {_CDN}; "
    "img-src 'self' data: https://fastapi.tiangolo.com; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Swagger's page over /openapi.json; Authorize logs in by username and password."""
    page = get_swagger_ui_html(openapi_url="/openapi.json", title=f"{request.app.title} · API")
    page.headers["Content-Security-Policy"] = _POLICY
    return page
