"""Writing mails. A rule posts in its own transaction: the mail exists if, and only if, what it tells of
happened. Nothing here speaks to a mail server; ``sending`` does.

A template ``x`` is three files below ``templates/astakos/mails/``: ``x.subject``, ``x.txt`` (which extends
``base.txt``) and ``x.html`` (which extends ``base.html``). Beside what is given they know the names of the
installation (``service_name``, ``company_name``), ``public_url`` and ``contact_email``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone

from synnefo.astakos.mails.models import Mail
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.common.transactions import atomic

_LONGEST_SUBJECT = 200

_EVERYBODY = ("HELPDESK", "MANAGERS", "ADMINS")
_PROJECTS = ("HELPDESK", "MANAGERS")
#: The setting whose people are meant where one of recipients is None, and the people where that is, too.
_RECIPIENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ACCOUNT_NOTIFICATIONS_RECIPIENTS": ("", _EVERYBODY),
    "ACCOUNT_PENDING_MODERATION_RECIPIENTS": ("ACCOUNT_NOTIFICATIONS_RECIPIENTS", _EVERYBODY),
    "ACCOUNT_ACTIVATED_RECIPIENTS": ("ACCOUNT_NOTIFICATIONS_RECIPIENTS", _EVERYBODY),
    "FEEDBACK_NOTIFICATIONS_RECIPIENTS": ("", ("HELPDESK",)),
    "PROJECT_NOTIFICATIONS_RECIPIENTS": ("", _PROJECTS),
    "PROJECT_CREATION_RECIPIENTS": ("PROJECT_NOTIFICATIONS_RECIPIENTS", _PROJECTS),
    "PROJECT_MODIFICATION_RECIPIENTS": ("PROJECT_NOTIFICATIONS_RECIPIENTS", _PROJECTS),
}


def post(template: str, recipients: Iterable[str], context: Mapping[str, object] | None = None) -> list[Mail]:
    """Put a mail to each of these addresses into the outbox. Nobody learns who else got it."""
    wanted = [address for address in dict.fromkeys(recipients) if address]
    if not wanted:
        return []
    known = _of_the_installation() | dict(context or {})
    place = f"astakos/mails/{template}"
    subject = " ".join(_plain(f"{place}.subject", known).split())[:_LONGEST_SUBJECT]
    text = _plain(f"{place}.txt", known)
    html = render_to_string(f"{place}.html", known)
    now = timezone.now()
    return Mail.objects.bulk_create(
        Mail(
            template=template,
            recipient=address,
            subject=f"{settings.EMAIL_SUBJECT_PREFIX}{subject}",
            text=text,
            html=html,
            due=now,
        )
        for address in wanted
    )


def send_again(caller: Caller, mail: Mail) -> None:
    """Have a mail that could not be sent tried again now. Raises Conflict if it was sent."""
    with atomic():
        waiting = Mail.objects.filter(pk=mail.pk, sent=None)
        if not waiting.update(due=timezone.now(), given_up=None, tries=0):
            raise Conflict("This mail was sent.")
        audit.record(caller, "mail.send-again", "mail", mail.pk)


def addresses(name: str) -> list[str]:
    """The addresses of a setting of recipients, as ``ACCOUNT_PENDING_MODERATION_RECIPIENTS``.

    Each is an address, or (name, address) as in ``ADMINS``.
    """
    more_general, people = _RECIPIENTS[name]
    found = getattr(settings, name)
    if found is None and more_general:
        found = getattr(settings, more_general)
    if found is None:
        found = [person for group in people for person in getattr(settings, group)]
    return list(dict.fromkeys(one if isinstance(one, str) else one[1] for one in found))


def public_url(path: str = "/ui/") -> str:
    """An address of this cloud as it may stand in a mail, whoever asked for what and under which name."""
    return (settings.SYNNEFO_PUBLIC_URL or f"http://{settings.SYNNEFO_LISTEN}").rstrip("/") + path


def _plain(name: str, context: dict[str, object]) -> str:
    """Text, in which nothing is escaped as it must be in HTML."""
    template = get_template(name).template  # type: ignore[attr-defined]
    text: str = template.render(Context(context, autoescape=False))
    return text


def _of_the_installation() -> dict[str, object]:
    return {
        "service_name": settings.BRANDING_SERVICE_NAME,
        "company_name": settings.BRANDING_COMPANY_NAME,
        "accent": settings.BRANDING_ACCENT,
        "contact_email": settings.CONTACT_EMAIL,
        "public_url": public_url(""),
    }
