"""The outbox: what a rule posts is sent once, later, as text and HTML, and tried again if it cannot be."""

from __future__ import annotations

import datetime
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail as outside
from django.utils import timezone
from pytest_django import Settings

from synnefo.astakos.mails import rules, sending
from synnefo.astakos.mails.models import Mail
from synnefo.common.transactions import atomic
from tests import mail_server

pytestmark = pytest.mark.django_db

CONTEXT = {"name": "Ada <b>", "message": "It rains & pours"}


@pytest.fixture(autouse=True)
def template(tmp_path: Path, settings: Settings) -> None:
    """A mail of the tests' own, ``rain``."""
    place = tmp_path / "astakos" / "mails"
    place.mkdir(parents=True)
    (place / "rain.subject").write_text("Rain for\n {{ name }}\n")
    (place / "rain.txt").write_text(
        '{% extends "astakos/mails/base.txt" %}{% block body %}{{ message }}{% endblock %}'
    )
    (place / "rain.html").write_text(
        '{% extends "astakos/mails/base.html" %}{% block body %}<p>{{ message }}</p>{% endblock %}'
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.CONTACT_EMAIL = "help@cloud.example.org"
    settings.BRANDING_SERVICE_NAME = "Nimbus"


def test_a_mail_waits_in_the_outbox_as_text_and_html_with_the_names_of_the_installation() -> None:
    (row,) = rules.post("rain", ["ada@example.org"], CONTEXT)
    assert row.subject == "Rain for Ada <b>"
    assert row.text.startswith("It rains & pours\n")
    assert "Nimbus" in row.text
    assert "help@cloud.example.org" in row.text
    assert "<p>It rains &amp; pours</p>" in row.html
    assert "Nimbus" in row.html
    assert outside.outbox == []


def test_everybody_gets_a_mail_of_his_own_and_nobody_two() -> None:
    rows = rules.post("rain", ["ada@example.org", "", "bob@example.org", "ada@example.org"], CONTEXT)
    assert [row.recipient for row in rows] == ["ada@example.org", "bob@example.org"]


def test_a_mail_goes_with_the_transaction_that_tells_of_it() -> None:
    def rule() -> None:
        with atomic():
            rules.post("rain", ["ada@example.org"], CONTEXT)
            raise RuntimeError("not today")

    with pytest.raises(RuntimeError, match="not today"):
        rule()
    assert not Mail.objects.exists()


def test_the_dispatcher_sends_each_mail_once(settings: Settings) -> None:
    settings.SERVER_EMAIL = "cloud@example.org"
    rules.post("rain", ["ada@example.org", "bob@example.org"], CONTEXT)
    assert sending.send_due() == 2
    assert sending.send_due() == 0
    first = outside.outbox[0]
    assert [one.to for one in outside.outbox] == [["ada@example.org"], ["bob@example.org"]]
    assert first.from_email == "cloud@example.org"
    assert [kind for _, kind in first.alternatives] == ["text/html"]
    assert {row.status for row in Mail.objects.all()} == {"Sent"}


def test_a_mail_that_another_dispatcher_has_taken_is_left_to_it() -> None:
    rules.post("rain", ["ada@example.org"], CONTEXT)
    taken = next(sending._taken())
    assert sending.send_due() == 0
    Mail.objects.filter(pk=taken.pk).update(due=timezone.now())  # it died, and time went by
    assert sending.send_due() == 1


def test_a_server_that_fails_is_asked_again_ever_later_until_the_mail_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(mail: Mail) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(sending, "_send", fail)
    (row,) = rules.post("rain", ["ada@example.org"], CONTEXT)
    pauses = []
    for _ in range(sending._TRIES):
        assert sending.send_due() == 0
        row.refresh_from_db()
        assert row.error == "gone"
        pauses.append(row.due - timezone.now())
        Mail.objects.update(due=timezone.now())
    assert pauses[0] < datetime.timedelta(minutes=1) < pauses[3] < pauses[-1] < datetime.timedelta(hours=5)
    assert row.status == "Given up"
    monkeypatch.undo()
    assert sending.send_due() == 0


def test_a_header_that_cannot_be_stops_its_own_mail_alone(settings: Settings) -> None:
    rules.post("rain", ["ada@example.org"], CONTEXT)
    Mail.objects.update(subject="two\nlines")
    rules.post("rain", ["bob@example.org"], CONTEXT)
    while sending.send_due() == 0:
        assert Mail.objects.filter(tries__gt=3).count() == 0
    assert [one.to for one in outside.outbox] == [["bob@example.org"]]


def test_mails_that_ended_long_ago_are_forgotten_and_waiting_ones_are_not() -> None:
    rules.post("rain", ["ada@example.org", "bob@example.org"], CONTEXT)
    Mail.objects.update(created=timezone.now() - datetime.timedelta(days=100))
    Mail.objects.filter(recipient="ada@example.org").update(sent=timezone.now())
    assert sending.remove_old() == 1
    assert Mail.objects.get().recipient == "bob@example.org"


def test_recipients_are_the_people_of_the_installation_until_a_setting_names_others(
    settings: Settings,
) -> None:
    settings.ADMINS = [("Ada", "ada@example.org")]
    settings.MANAGERS = [("Max", "max@example.org"), ("Ada", "ada@example.org")]
    settings.HELPDESK = [("Hel", "hel@example.org")]
    account, project = "ACCOUNT_ACTIVATED_RECIPIENTS", "PROJECT_CREATION_RECIPIENTS"
    assert rules.addresses(account) == ["hel@example.org", "max@example.org", "ada@example.org"]
    assert rules.addresses(project) == ["hel@example.org", "max@example.org", "ada@example.org"]
    assert rules.addresses("FEEDBACK_NOTIFICATIONS_RECIPIENTS") == ["hel@example.org"]
    settings.ACCOUNT_NOTIFICATIONS_RECIPIENTS = ["desk@example.org"]
    assert rules.addresses(account) == ["desk@example.org"]
    settings.ACCOUNT_ACTIVATED_RECIPIENTS = []
    assert rules.addresses(account) == []


def test_without_a_mail_server_a_mail_is_a_file_that_only_the_cloud_reads(
    settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "synnefo.astakos.mails.files.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mails")
    rules.post("rain", ["ada@example.org"], CONTEXT)
    assert sending.send_due() == 1
    (file,) = (tmp_path / "mails").iterdir()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "To: ada@example.org" in file.read_text()
    assert "It rains & pours" in Mail.objects.get().text


@pytest.fixture
def smtp(settings: Settings) -> Iterator[mail_server.Inbox]:
    """A mail server on this machine."""
    with mail_server.running(settings) as inbox:
        yield inbox


def test_a_real_mail_server_gets_the_mail_and_its_text_is_not_kept(smtp: mail_server.Inbox) -> None:
    rules.post("rain", ["ada@example.org"], CONTEXT)
    assert sending.send_due() == 1
    (envelope,) = smtp.got
    assert envelope.rcpt_tos == ["ada@example.org"]
    assert b"multipart/alternative" in envelope.content
    assert b"It rains & pours" in envelope.content
    row = Mail.objects.get()
    assert (row.status, row.text, row.html) == ("Sent", "", "")
