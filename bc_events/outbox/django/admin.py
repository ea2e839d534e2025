"""The admin: shows waiting and dead events, and replays dead ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages

from bc_events.outbox._sql.table import TableStore

from .database import AmbientDatabase
from .models import OutboxRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin.options import _ActionCallable, _ListDisplayT, _ListFilterT
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.datastructures import _ListOrTuple
    from django.utils.functional import _StrOrPromise

    _Admin = admin.ModelAdmin[OutboxRow]
else:
    _Admin = admin.ModelAdmin  # not generic at run time


class StateFilter(admin.SimpleListFilter):
    title: _StrOrPromise | None = "state"
    parameter_name: str | None = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[OutboxRow]) -> list[tuple[str, str]]:
        return [("waiting", "waiting"), ("dead", "dead")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxRow]) -> QuerySet[OutboxRow]:
        return queryset if self.value() is None else queryset.filter(dead_at__isnull=self.value() == "waiting")


@admin.register(OutboxRow)
class OutboxRowAdmin(_Admin):
    """Read-only: published events cannot be changed, and waiting events must not be deleted."""

    list_display: _ListDisplayT[OutboxRow] = (
        "topic",
        "event_id",
        "job_id",
        "service",
        "published",
        "attempts",
        "is_dead",
        "last_error",
    )
    list_filter: ClassVar[_ListOrTuple[_ListFilterT]] = (StateFilter, "service", "topic")
    search_fields: ClassVar[_ListOrTuple[str]] = ("job_id", "event_id")
    show_full_result_count = False
    # pyrefly: ignore [bad-override-mutable-attribute]  # the stubs say Self, which pyright does not take for this class
    actions: Sequence[_ActionCallable[admin.ModelAdmin[OutboxRow], OutboxRow] | str] | None = ("replay",)

    @admin.action(description="Replay dead events", permissions=["replay"])
    def replay(self, request: HttpRequest, rows: QuerySet[OutboxRow]) -> None:
        count = TableStore(AmbientDatabase(rows.db)).replay(list(rows.values_list("event_id", flat=True)))
        self.message_user(request, f"{count} dead events will be sent again", messages.SUCCESS)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("bc_events_outbox.replay_outboxrow"))

    def has_add_permission(self, request: HttpRequest, obj: OutboxRow | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutboxRow | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: OutboxRow | None = None) -> bool:
        return False
