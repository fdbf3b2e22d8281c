"""Template tags of all pages: icons, moments, copy buttons, bars."""

from __future__ import annotations

import datetime

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_STEPS = ((60, "second", 1), (3600, "minute", 60), (86400, "hour", 3600), (86400 * 60, "day", 86400))
_MONTH_S, _YEAR_S = 86400 * 30.44, 86400 * 365.25


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A drawing of our sprite; it says nothing to screen readers, so text or a label must stand beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("synnefo/icons.svg"),
        name,
    )


@register.filter
def ago(moment: datetime.datetime | None) -> SafeString | str:
    """How long ago in words, the exact time as title."""
    if moment is None:
        return ""
    exact = timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, _words(timezone.now() - moment)
    )


@register.filter
def ahead(moment: datetime.datetime | None) -> SafeString | str:
    """How soon in words, or how long ago; the exact time as title."""
    if moment is None or moment <= timezone.now():
        return ago(moment)
    exact = timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")
    left_s = max((moment - timezone.now()).total_seconds(), 10)
    half_s = next((unit_s / 2 for unit_s in (_MONTH_S, 86400, 3600) if left_s > 2 * unit_s), 0)
    words = _words(datetime.timedelta(seconds=left_s + half_s)).removesuffix(" ago")
    return format_html('<time datetime="{}" title="{}">in {}</time>', moment.isoformat(), exact, words)


@register.filter
def lasted(span: datetime.timedelta | None) -> str:
    """A duration: ``4 s``, ``2 min 5 s``, ``1 h 2 min``."""
    if span is None:
        return ""
    seconds = max(0, round(span.total_seconds()))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


@register.simple_tag
def renewed() -> SafeString:
    """How ``#live`` is kept fresh (live.js): one renewal at a time, of which only what differs is changed.

    What stands inside must not inherit ``hx-sync``: what is pressed during a renewal would be dropped.
    """
    return mark_safe(
        'hx-trigger="renew" hx-swap="morph:outerHTML" hx-sync="this:drop" hx-disinherit="hx-sync"'
    )


@register.simple_tag
def copy(text: str, what: str) -> SafeString:
    """A button that puts a text into the clipboard; ``what`` completes "Copy ..."."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" aria-label="Copy {}" title="Copy {}">{}</button>',
        text,
        what,
        what,
        icon("copy"),
    )


@register.simple_tag
def bar(used_percent: float, wanted_percent: float = 0.0, css: str = "") -> SafeString:
    """A bar as SVG: what is used, and behind it what would come. The numbers must stand beside it."""
    return format_html(
        '<svg class="bar {}" aria-hidden="true" focusable="false">'
        '<rect class="bar-room" width="100%" height="100%"></rect>'
        '<rect class="bar-used" width="{}%" height="100%"></rect>'
        '<rect class="bar-wanted" x="{}%" width="{}%" height="100%"></rect></svg>',
        css,
        f"{used_percent:.2f}",
        f"{used_percent:.2f}",
        f"{wanted_percent:.2f}",
    )


def _words(span: datetime.timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 10:
        return "just now"
    for limit_s, unit, unit_s in _STEPS:
        if seconds < limit_s:
            return _plural(int(seconds // unit_s), unit)
    if seconds < 2 * _YEAR_S:
        return _plural(int(seconds // _MONTH_S), "month")
    return _plural(int(seconds // _YEAR_S), "year")


def _plural(amount: int, unit: str) -> str:
    return f"{amount} {unit} ago" if amount == 1 else f"{amount} {unit}s ago"
