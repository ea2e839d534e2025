"""The admin: shows waiting, dead and sent events, and replays dead ones."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator

from bc_events.outbox._sql.table import TableStore

from .database import AmbientDatabase
from .models import OutboxRow, SentRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin.options import _ActionCallable, _ListDisplayT, _ListFilterT
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.datastructures import _ListOrTuple
    from django.utils.functional import _StrOrPromise

    _Admin = admin.ModelAdmin[OutboxRow]
    _SentAdmin = admin.ModelAdmin[SentRow]
else:
    _Admin = _SentAdmin = admin.ModelAdmin  # not generic at run time

_MOST_COUNTED: Final = 10_000


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


if TYPE_CHECKING:
    _Paginator = Paginator[SentRow]
else:
    _Paginator = Paginator  # not generic at run time


class LongPaginator(_Paginator):
    """Pages of a table that takes long to count."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:_MOST_COUNTED].count())


@admin.register(SentRow)
class SentRowAdmin(_SentAdmin):
    """Read-only. A search is for all of a job id, event id or topic, because the archive has indexes for those."""

    list_display: _ListDisplayT[SentRow] = (
        "topic",
        "event_id",
        "job_id",
        "service",
        "sent",
        "attempts",
        "api_event_id",
    )
    search_fields: ClassVar[_ListOrTuple[str]] = ("job_id", "event_id", "topic")
    search_help_text: ClassVar[_StrOrPromise | None] = "A job id, the id of an event, or a topic"
    show_full_result_count = False
    paginator = LongPaginator

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SentRow], search_term: str
    ) -> tuple[QuerySet[SentRow], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(event_id=UUID(term)), False
        except ValueError:
            is_topic = queryset.filter(topic=term)[:1].exists()
            return queryset.filter(topic=term) if is_topic else queryset.filter(job_id=term), False

    def has_add_permission(self, request: HttpRequest, obj: SentRow | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SentRow | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SentRow | None = None) -> bool:
        return False
