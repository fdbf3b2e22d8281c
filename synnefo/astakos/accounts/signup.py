"""How people come to an account by themselves: they sign up, and prove that the e-mail is theirs.

Whoever asks learns nothing of other accounts: for an address that is known the answer is the same and takes
as long, and its owner gets a mail that says so.
"""

from __future__ import annotations

import dataclasses
import datetime

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from synnefo.astakos.accounts import addresses, links, notices, rules, terms, throttle
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import policies, registry
from synnefo.astakos.methods import rules as methods
from synnefo.astakos.methods.models import LOCAL
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Fault, Forbidden
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

_PURPOSE = "verify"


@dataclasses.dataclass(frozen=True)
class SignUp:
    """What somebody says of himself. ``identity`` is the token of one that waits (see ``methods.rules``);
    without it he has a password. ``agreed`` is the version of the terms of use that he agrees to."""

    email: str
    first_name: str
    last_name: str
    password: str | None = None
    identity: str = ""
    agreed: int | None = None
    next_path: str = ""


def require_open(identity: str = "") -> None:
    """Raises Forbidden if nobody signs up here (that way)."""
    if identity:
        return  # what its provider allows is asked when it is attached
    try:
        open_to_all = policies.general(registry.get(LOCAL)).create
    except Fault:
        open_to_all = False
    if not open_to_all:
        raise Forbidden("Accounts with a password are made by administrators here.")


def sign_up(caller: Caller, wish: SignUp) -> User | None:
    """An account that waits for its e-mail's proof; None if the address has one, which he is not told.

    Raises BadRequest (a field, a weak password, terms), Forbidden, TooManyRequests.
    """
    require_open(wish.identity)
    _check(wish)
    throttle.count("sign-up", wish.email, caller.address)
    if addresses.with_email(wish.email).filter(email_verified=True).exists():
        make_password(wish.password)
        notices.known_already(wish.email)
        return None
    with atomic():
        user = rules.create(caller, wish.email, wish.first_name, wish.last_name, password=wish.password)
        if user.terms_due is not None:
            user = terms.sign(caller, user, version=wish.agreed)
        if wish.identity:
            identity = methods.pending(wish.identity)
            methods.attach_pending(caller, user, wish.identity, is_new=True)
            if methods.vouches_for(identity, wish.email):
                return rules.confirm_email(caller, user)
        send_verification(caller, user, next_path=wish.next_path)
    return user


def send_verification(caller: Caller, user: User, *, next_path: str = "") -> None:
    """Mail the link that proves the address. Raises Conflict if it is proven."""
    with atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        if row.email_verified:
            raise Conflict(f"The e-mail {row.email} is verified already.")
        row.activation_sent = timezone.now()
        row.save(update_fields=("activation_sent", "updated"))
        notices.verification(row, links.sign(_PURPOSE, user=row.uuid, email=row.email), next_path)
        audit.record(caller, "user.send-verification", "user", row.uuid)


def send_again(caller: Caller, email: str) -> None:
    """The link once more, for whoever did not get it. Nobody learns here whether the address has an account.

    Raises TooManyRequests.
    """
    throttle.count("send-verification", email, caller.address)
    rows = addresses.with_email(email)
    waiting = rows.filter(email_verified=False).first()
    if waiting is not None:
        send_verification(caller, waiting)
    elif rows.exists():
        notices.known_already(email)
    else:
        notices.unknown(email)


def of_link(token: str) -> User:
    """Whose address a link proves. Raises BadRequest (link), Conflict (it was proven before)."""
    facts = links.read(_PURPOSE, token, datetime.timedelta(days=settings.ASTAKOS_VERIFICATION_DAYS))
    user = User.objects.filter(uuid=facts["user"], email=facts["email"]).first()
    if user is None:
        raise BadRequest("There is no account any more for which this address is to be confirmed.")
    if user.email_verified:
        raise Conflict("The address is confirmed already. You can sign in, once the account is active.")
    return user


def verify(caller: Caller, token: str) -> User:
    """The reader of the mail confirms the address. Raises as ``of_link``."""
    with atomic():
        return rules.confirm_email(caller, of_link(token))


def _check(wish: SignUp) -> None:
    """What is wrong whoever has the address."""
    if not (wish.first_name.strip() and wish.last_name.strip()):
        raise BadRequest("Say your first and last name.")
    user = User(email=wish.email, first_name=wish.first_name, last_name=wish.last_name)
    check_fields(user, ("email", "first_name", "last_name"))
    if wish.password is not None:
        rules.check_password(wish.password, user)
    elif not wish.identity:
        raise BadRequest("Choose a password.")
    current = terms.current()
    if current is not None and wish.agreed != current.pk:
        raise BadRequest("Read the terms of use and agree to them.")
