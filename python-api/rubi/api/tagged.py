"""Answers with an ETag: who has the same answer already gets 304 and no body."""

import hashlib
from typing import Any

import msgspec
from fastapi import Response


def tagged(body: dict[str, Any], if_none_match: str | None) -> Response:
    """The body with its ETag, or 304 when the caller has just that. Late data changes the tag, time alone does not.

    The body is encoded as it is: checking five hundred points against a model costs more than reading them.
    """
    content = msgspec.json.encode(body)
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)
