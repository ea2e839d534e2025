"""The OpenAPI document of a local Events API. The schemas that requests are checked by are in it as they are."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from bc_events import __version__
from bc_events.constants import JOB_ID_MAX_LENGTH

from . import parameters
from .envelope import ENVELOPE
from .faults import PLAN
from .imported import LINE
from .json_response import json_response
from .report import REPORTS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def openapi() -> dict[str, Any]:
    """OpenAPI 3.1."""
    text = files("bc_events.local").joinpath("openapi.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    found["info"]["version"] = __version__
    found["components"]["schemas"].update(
        Envelope=ENVELOPE,
        Event={**LINE, "required": [*LINE["required"], "seq", "topic", "status"]},
        FaultPlan=PLAN,
        Reports=REPORTS,
        JobId={"type": "string", "pattern": f"^[!-~]{{1,{JOB_ID_MAX_LENGTH}}}$"},
    )
    return found


async def document(request: Request) -> Response:
    parameters.refuse_others(request)
    return json_response(openapi())
