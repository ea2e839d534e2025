"""The admin: look at what waits and at what is dead, and replay the dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages

from bc_events.outbox._sql.table import TableStore

from .database import AmbientDatabase
from .models import OutboxRow

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    _Admin = admin.ModelAdmin[OutboxRow]
else:
    _Admin = admin.ModelAdmin  # no generic when it runs


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[OutboxRow]) -> list[tuple[str, str]]:
        return [("waiting", "waiting"), ("dead", "dead")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxRow]) -> QuerySet[OutboxRow]:
        return queryset if self.value() is None else queryset.filter(dead_at__isnull=self.value() == "waiting")


@admin.register(OutboxRow)
class OutboxRowAdmin(_Admin):
    """Read-only: what was published cannot be changed, and what waits must not be deleted."""

    list_display = ("topic", "event_id", "job_id", "service", "published", "attempts", "is_dead", "last_error")
    list_filter = (StateFilter, "service", "topic")
    search_fields = ("job_id", "event_id")
    show_full_result_count = False
    actions = ("replay",)

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
