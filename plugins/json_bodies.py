"""
Bodies of requests that change something.

Airflow takes the cookie of whoever is logged in for a token. A page of another site may let a browser send it along
with a form, but not with JSON, for which a browser asks first: so whatever changes something takes JSON alone.
"""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from typing import Annotated

from fastapi import Depends, Request, Response, status
from fastapi.responses import JSONResponse

from airflow_ml.translation.rest_runs import MAX_BODY, error_document

__all__ = ["JsonBody", "refused"]


def refused(status_code: int, message: str) -> Response:
    """Return the answer to a request that asks for what cannot be done."""
    return JSONResponse(error_document("UserError", message), status_code)


async def limited_body(request: Request) -> bytes | Response:
    """Return the body of a request that says that it is JSON, or the answer to any other one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return refused(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return refused(413, f"the body has more than {MAX_BODY} bytes; v1's have some hundred")
    return bytes(body)


#: The body, or the answer in its place.
JsonBody = Annotated[bytes | Response, Depends(limited_body)]
