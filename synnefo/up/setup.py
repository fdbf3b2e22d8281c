"""Setting a cloud up, as far as it is not: tables, standard services, the first administrator, samples.

A process of its own (``python -m synnefo.up.setup``) that the supervisor runs before the services. It
calls the rules that commands call, and every step can be repeated.
"""

from __future__ import annotations

import functools
import sys

from synnefo.webproject.start import set_up


def main() -> None:
    set_up()
    from synnefo.common.faults import Fault
    from synnefo.up.place import UpError

    try:
        prepare()
    except (Fault, UpError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None


def prepare() -> None:
    """All steps, in order. Raises Fault or UpError."""
    from synnefo.astakos.catalog import standard
    from synnefo.up import samples, steps
    from synnefo.up.place import Place, UpError

    place = Place.from_settings()
    place.prepare()
    steps.tables(say)
    standard.register_standard()
    user = steps.administrator(place, say)
    steps.sign_in_files(place, user)
    steps.this_machine()
    if samples.wanted():
        caller = steps.caller_for(user)
        steps.once("sample flavors", functools.partial(steps.sample_flavors, caller))
        steps.once("sample networks", functools.partial(steps.sample_networks, caller))
        try:
            steps.once("sample image", functools.partial(steps.sample_image, caller, place, say))
        except UpError as error:  # packages may be out of reach today; the cloud is good without it
            say(str(error))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
