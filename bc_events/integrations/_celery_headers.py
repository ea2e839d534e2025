"""The headers of a Celery message: reads and writes the job and the actor."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bc_events._runtime import job_ids
from bc_events.propagation import Border

if TYPE_CHECKING:
    from celery.app.task import Context

    from ._integration import Integration


def beside(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Merges two sets of headers. Where both have a name, in any case, the first one wins."""
    present = {_folded(name) for name in first}
    return {**{name: value for name, value in second.items() if _folded(name) not in present}, **first}


def of_fields(fields: Mapping[str, Any], border: Border) -> dict[str, Any]:
    """Custom headers are in `headers`, or among the fields of the request itself (celery/celery#4875)."""
    names = (border.job_id, border.actor_id, border.actor_type, "baggage")
    wanted = {_folded(name) for name in names if name is not None}
    inner, outer = (
        {name: value for name, value in headers.items() if _folded(name) in wanted and value is not None}
        for headers in (_inner(fields), fields)
    )
    return beside(inner, outer)


def of_request(request: Context, border: Border) -> dict[str, Any]:
    return of_fields(vars(request), border)


def arrived(request: Context, integration: Integration) -> dict[str, Any]:
    """The headers with which a task came. An eager task gets the headers that its message would have had."""
    found = of_request(request, integration.border)
    carried: dict[str, str] = {}
    if request.is_eager:
        integration.inject(carried)
    return beside(found, carried)


def mark(request: Context, integration: Integration) -> None:
    """Messages that Celery sends for this task from here on belong to its job, even if the job is new."""
    carried: dict[str, str] = {}
    integration.inject(carried)
    request.update({"headers": beside(carried, _inner(vars(request)))})


def begin_job(fields: MutableMapping[str, Any], integration: Integration) -> None:
    """A message without a job gets one when it reaches the worker, the same for all of its processes."""
    name = integration.border.job_id
    job_alone = replace(integration, border=Border(job_id=name))
    if name is None or job_alone.extract(of_fields(fields, job_alone.border)).job_id is not None:
        return
    job = {name: job_ids.generated()}
    marked = beside(job, fields)
    if _inner(fields):
        marked["headers"] = beside(job, _inner(fields))
    fields.clear()
    fields.update(marked)


def _inner(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    headers = fields.get("headers")
    return headers if isinstance(headers, Mapping) else {}


def _folded(name: object) -> str:
    return str(name).lower()
