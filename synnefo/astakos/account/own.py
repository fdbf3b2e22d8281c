"""What users do for themselves in the account API: feedback, and the project that they work in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict

from synnefo.astakos.accounts import feedback, rules
from synnefo.astakos.accounts.models import User
from synnefo.astakos.plain import user_caller, user_token
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.http.plain import empty, json_object
from synnefo.common.ids import parse_uuid

_ENDED = (Project.State.TERMINATED, Project.State.DELETED)


def send_feedback(request: HttpRequest) -> HttpResponse:
    """POST feedback: a form, whatever content type it says (astakosclient calls it an octet stream)."""
    grant = user_token(request)
    try:
        form = QueryDict(request.body.decode())
    except UnicodeDecodeError as error:
        raise BadRequest("The form is not in UTF-8.") from error
    said = {name: form.get(name, "").replace("\x00", "") for name in ("feedback_msg", "feedback_data")}
    user = User.objects.get(pk=grant.user_id)
    feedback.send(user_caller(request), user, said["feedback_msg"], said["feedback_data"])
    return empty()


def set_default_project(request: HttpRequest) -> HttpResponse:
    """POST myaccount/default_project: ``{"project_id": uuid}``.

    Raises Forbidden (none is named, or he cannot work in it now), ItemNotFound, Conflict (it ended).
    """
    grant = user_token(request)
    wanted = json_object(request).get("project_id")
    if not isinstance(wanted, str) or not wanted:
        raise Forbidden("Missing project_id.")
    place = Membership.objects.filter(person=grant.user_id, project__uuid=parse_uuid(wanted) or "")
    membership = place.select_related("project").first()
    if membership is None:
        raise ItemNotFound("This is not a valid membership request.")
    if membership.project.state in _ENDED:
        raise Conflict("This project has ended.")
    if not (membership.is_accepted and membership.project.is_normal):
        raise Forbidden("You cannot work in this project now.")
    user = User.objects.get(pk=grant.user_id)
    rules.set_default_project(user_caller(request), user, membership.project.uuid)
    return empty()
