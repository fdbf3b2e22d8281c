"""What follows when a provider has vouched for somebody (spec: astakos 5.3): he signs in, adds the
identity to his account, or signs up. Knows no protocol: what does hands an ``Identity`` over.

``wish`` is what he asked for before: ``next`` (a page), ``key`` (another identity that waits for its
account), ``switch`` (the method that this one is to replace).
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from synnefo.astakos.accounts import login, signup, terms
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.signup import SignUp
from synnefo.astakos.methods import policies, registry, rules
from synnefo.astakos.methods.identities import Identity
from synnefo.astakos.methods.models import AuthMethod
from synnefo.common.faults import Fault, Forbidden, ItemNotFound
from synnefo.common.pages import caller_of_session, local_path, stranger

log = structlog.get_logger("synnefo.astakos")

Wish = Mapping[str, str]
#: Where the session keeps the tokens of identities that arrived in it, and the one that is to be added to the
#: account of whoever signs in next. A link with somebody else's token must not give him one's account.
_ARRIVED, _NEXT = "arrived_identities", "pending_identity"
_MOST_ARRIVED = 5
LAST_METHOD_COOKIE = "astakos_last_login_method"
_YEAR_S = 365 * 24 * 3600


def arrive(request: HttpRequest, identity: Identity, wish: Wish) -> HttpResponse:
    """A provider vouches for this identity, in this browser."""
    try:
        if request.user.is_authenticated:
            return _link(request, identity, wish)
        method = rules.find(identity)
        if method is None:
            return _welcome(request, identity, wish)
        return remember_method(_sign_in(request, method, identity, wish), identity.module)
    except Fault as fault:
        return refuse(request, fault.message)


def failed(request: HttpRequest, module: str, reason: str) -> HttpResponse:
    """A provider did not vouch for anybody."""
    log.warning("a provider refused", module=module, reason=reason)
    return refuse(request, registry.PROVIDERS[module].message("failed"))


def waiting(request: HttpRequest, token: str) -> Identity:
    """The identity that arrived in this browser and waits for its account. Raises ItemNotFound."""
    if token not in request.session.get(_ARRIVED, ()):
        raise ItemNotFound("This sign-up began in another browser, or it was too long ago. Sign in again.")
    return rules.pending(token)


def add_to_next(request: HttpRequest, token: str) -> None:
    """Whoever signs in next in this browser gets that identity, too. Raises ItemNotFound."""
    waiting(request, token)
    request.session[_NEXT] = token


def remember_method(answer: HttpResponse, module: str) -> HttpResponse:
    """The sign-in page offers first what was used last in this browser."""
    answer.set_cookie(LAST_METHOD_COOKIE, module, max_age=_YEAR_S, httponly=True, samesite="Lax")
    return answer


def after_sign_in(request: HttpRequest, user: User, module: str, identifier: str) -> None:
    """Somebody is signed in now: note by what, and add the identity that waited for that."""
    rules.stamp(user, module, identifier)
    token = request.session.pop(_NEXT, "")
    if not token:
        return
    try:
        added = rules.attach_pending(stranger(request, user.uuid), user, token, is_new=False)
    except Fault as fault:
        messages.error(request, fault.message)
    else:
        messages.success(request, f"You can sign in by {registry.get(added.module).title} from now on.")


def _link(request: HttpRequest, identity: Identity, wish: Wish) -> HttpResponse:
    caller = caller_of_session(request)
    user = User.objects.get(uuid=caller.user)
    provider = registry.get(identity.module)
    if wish.get("switch", "").isdigit():
        rules.switch(caller, user, int(wish["switch"]), identity)
        messages.success(request, f"You sign in by the other {provider.title} identity from now on.")
    else:
        rules.add(caller, user, identity)
        messages.success(request, f"You can sign in by {provider.title} from now on.")
    return redirect("methods")


def _sign_in(request: HttpRequest, method: AuthMethod, identity: Identity, wish: Wish) -> HttpResponse:
    user = method.user
    provider = registry.get(method.module)
    if not method.active or not policies.of(provider, user).login:
        raise Forbidden(provider.message("cannot_login"))
    if not user.is_active:
        raise Forbidden(login.why_inactive(user))
    rules.take_over(method, identity)
    return _open_session(request, user, identity, wish)


def _open_session(request: HttpRequest, user: User, identity: Identity, wish: Wish) -> HttpResponse:
    if wish.get("key"):
        add_to_next(request, wish["key"])
    record_authentication(request, user, "socialaccount", provider=identity.module, uid=identity.identifier)
    answer: HttpResponse = perform_login(
        request, User.objects.get(pk=user.pk), redirect_url=local_path(wish.get("next", ""), "/ui/")
    )
    return answer


def _welcome(request: HttpRequest, identity: Identity, wish: Wish) -> HttpResponse:
    """Nobody signs in by this identity yet: he signs up, by a form if there is anything to ask."""
    provider = registry.get(identity.module)
    if not policies.general(provider).create:
        raise Forbidden(provider.message("disabled_for_create"))
    token = rules.pend(identity)
    request.session[_ARRIVED] = [*request.session.get(_ARRIVED, []), token][-_MOST_ARRIVED:]
    if not identity.is_all_imposed or terms.current() is not None:
        query = {"third_party_token": token, "next": wish.get("next", "")}
        return redirect(f"{reverse('account_signup')}?{urlencode(query)}")
    said = SignUp(identity.email, identity.first_name, identity.last_name, identity=token)
    user = signup.sign_up(stranger(request), said)
    if user is None or not user.email_verified:  # whether there is another account is not told
        messages.info(request, f"We sent a mail to {identity.email}. Follow the link in it.")
        return redirect("account_login")
    if not user.is_active:
        raise Forbidden(login.why_inactive(user))
    return remember_method(_open_session(request, user, identity, wish), identity.module)


def refuse(request: HttpRequest, message: str) -> HttpResponse:
    messages.error(request, message)
    return redirect("methods" if request.user.is_authenticated else "account_login")
