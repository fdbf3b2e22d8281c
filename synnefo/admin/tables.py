"""What every table of the dashboard has in common: a list, a page of facts, acts that call rules.

A subclass says what it shows and names its ``acts``. Each act is asked about first, with all that it is done
to, and then done by one call of a rule for each row; what a rule refuses is told, and the others are done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe
from unfold.admin import ModelAdmin
from unfold.views import ChangeList as UnfoldChangeList

from synnefo.admin.site import administrator
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, ItemNotFound
from synnefo.common.pages import local_path

ROWS = 50
MOST_AT_ONCE = 100
MOST_REASON = 1000


@dataclasses.dataclass(frozen=True)
class Act:
    """Something that administrators do to rows.

    ``rule`` takes the caller, a row and the reason; ``consequence`` says what it means, ``done`` completes
    "NAME ...". ``fits`` tells whether it can be done to a row now.
    """

    name: str
    title: str
    icon: str
    consequence: str
    done: str
    rule: Callable[[Caller, Any, str], object]
    fits: Callable[[Any], bool]
    asks_reason: bool = False
    is_danger: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """A table on a page of facts; ``empty`` is said where it has no rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    empty: str


class StateFilter(SimpleListFilter):
    """Rows in one of the states that a table knows."""

    title = "state"
    parameter_name = "state"
    states: ClassVar[Mapping[str, Q]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word.capitalize()) for word in self.states]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.states.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


class NamedList(UnfoldChangeList):
    """A page of rows that the table completes by one question for all, where names live elsewhere."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        self.model_admin.complete(self.result_list)


class Table(ModelAdmin):
    """A table that is looked at. Nothing is added, saved or deleted through Django's forms."""

    icon: ClassVar[str] = "table"
    acts: ClassVar[tuple[Act, ...]] = ()
    states: ClassVar[Mapping[str, Q]] = {}

    list_per_page = ROWS
    list_max_show_all = ROWS
    show_full_result_count = False
    list_disable_select_all = True
    list_filter_sheet = False
    actions_selection_counter = True

    @property
    def title(self) -> str:
        return str(self.opts.verbose_name_plural).capitalize()

    def complete(self, rows: Iterable[Any]) -> None:
        """Give rows what their columns need of elsewhere."""

    def facts(self, row: Any) -> Mapping[str, object]:
        raise NotImplementedError

    def parts(self, row: Any) -> Sequence[Part]:
        raise NotImplementedError

    def name_of(self, row: Any) -> str:
        return str(row)

    def counts(self, request: HttpRequest) -> list[tuple[str, int, str]]:
        """How many rows are in each state, with the address of the list of them; one query."""
        wanted = {f"n{place}": Count("pk", filter=test) for place, test in enumerate(self.states.values())}
        found = self.get_queryset(request).aggregate(**wanted)
        return [
            (
                word.capitalize(),
                found[f"n{place}"],
                f"{self.address('changelist')}?{urlencode({'state': word})}",
            )
            for place, word in enumerate(self.states)
        ]

    # -- what Django may do ---------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.has_permission(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": self.title, **(extra_context or {})})  # type: ignore[no-any-return]

    def get_urls(self) -> list[URLPattern]:
        guarded, prefix = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("", guarded(self.changelist_view), name=f"{prefix}_changelist"),
            path("act/<slug:name>/", guarded(self.act_view), name=f"{prefix}_act"),
            path("<int:number>/", guarded(self.detail_view), name=f"{prefix}_change"),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The acts, for rows that are ticked."""

        def asking(act: Act) -> Callable[..., HttpResponse]:
            def ask(table: Table, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
                numbers = list(rows.values_list("pk", flat=True))
                return HttpResponseRedirect(self.address_of(act, numbers, request.get_full_path()))

            return ask

        return {act.name: (asking(act), act.name, f"{act.title}…") for act in self.acts}

    # -- pages ----------------------------------------------------------------------------------
    def detail_view(self, request: HttpRequest, number: int) -> HttpResponse:
        return require_safe(self._detail)(request, number)

    def act_view(self, request: HttpRequest, name: str) -> HttpResponse:
        return require_http_methods(["GET", "HEAD", "POST"])(self._act)(request, name)

    def _detail(self, request: HttpRequest, number: int) -> HttpResponse:
        rows = list(self.get_queryset(request).filter(pk=number))
        if not rows:
            raise ItemNotFound(f"There is no such {self.opts.verbose_name}.")
        self.complete(rows)
        row = rows[0]
        offers = [(act, self.address_of(act, [row.pk], request.path)) for act in self.acts if act.fits(row)]
        context = {"facts": self.facts(row), "parts": self.parts(row), "offers": offers}
        return self._page(request, "synnefo_admin/detail.html", self.name_of(row), context)

    def _act(self, request: HttpRequest, name: str) -> HttpResponse:
        act = next((act for act in self.acts if act.name == name), None)
        if act is None:
            raise ItemNotFound("There is no such action.")
        asked = request.POST if request.method == "POST" else request.GET
        rows = self._rows(request, asked.getlist("row"))
        back = local_path(asked.get("next", ""), self.address("changelist"))
        reason = asked.get("reason", "").strip()
        missing = request.method == "POST" and act.asks_reason and not reason
        if request.method == "POST" and not missing:
            self._do(request, act, rows, reason[:MOST_REASON])
            return HttpResponseRedirect(back, status=303)
        fitting = [row for row in rows if act.fits(row)]
        context = {
            "act": act,
            "rows": [(row, self.name_of(row)) for row in fitting],
            "others": [self.name_of(row) for row in rows if not act.fits(row)],
            "next": back,
            "missing": missing,
            "most_reason": MOST_REASON,
        }
        return self._page(request, "synnefo_admin/act.html", act.title, context, 422 if missing else 200)

    def _do(self, request: HttpRequest, act: Act, rows: Sequence[Any], reason: str) -> None:
        """Call the rule for each, and tell what became of it."""
        caller = administrator(request)
        done = []
        for row in rows:
            try:
                act.rule(caller, row, reason)
            except Fault as fault:
                messages.error(request, f"{self.name_of(row)}: {fault.message}")
            else:
                done.append(self.name_of(row))
        if len(done) == 1:
            messages.success(request, f"{done[0]} {act.done}.")
        elif done:
            messages.success(request, f"{len(done)} {self.opts.verbose_name_plural}: each {act.done}.")

    def _rows(self, request: HttpRequest, numbers: Sequence[str]) -> list[Any]:
        """The rows of these numbers, by name. Raises BadRequest if there are none, or too many."""
        wanted = {int(text) for text in numbers if text.isascii() and text.isdigit() and len(text) < 19}
        if len(wanted) > MOST_AT_ONCE:
            raise BadRequest(f"At most {MOST_AT_ONCE} at once.")
        rows = list(self.get_queryset(request).filter(pk__in=wanted))
        if not rows:
            raise BadRequest("Nothing is ticked.")
        self.complete(rows)
        return sorted(rows, key=self.name_of)

    def _page(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        context: Mapping[str, object],
        status: int = 200,
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "title": title,
            "list_title": self.title,
            "list_address": self.address("changelist"),
        }
        return TemplateResponse(request, template, {**common, **context}, status=status)

    def address_of(self, act: Act, numbers: Sequence[int], back: str) -> str:
        query = urlencode([*(("row", number) for number in numbers), ("next", back)])
        return f"{self.address('act', act.name)}?{query}"

    def address(self, what: str, *args: object) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{what}"
        return reverse(name, args=args)
