"""A case for each form, however often its button is pressed: twice in haste, or again after going back.

What was sent is remembered by its digest, which a second press has too. Other words in the same form are another case.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from django.db import IntegrityError, transaction
from django.http import QueryDict

from accounts.models import Project, User
from cases.models import Case

# Sent with the same form, and not the same each time.
_VARIES: Final = ("csrfmiddlewaretoken",)


def digest_of(sent: QueryDict, member: User) -> bytes | None:
    """What a press of a form is known by: its `form`, which each page draws anew, who sent it and all that it says.

    None where it names no `form`: then every press is one of its own.
    """
    if not sent.get("form"):
        return None
    said = [(name, values) for name, values in sorted(sent.lists()) if name not in _VARIES]
    return blake2b(repr((member.pk, said)).encode(), digest_size=16).digest()


def made_once(project: Project, digest: bytes | None, make: Callable[[], Case]) -> Case:
    """The case that `make` makes for a press of this digest, or the one that was made for it before.

    Of two at once the later waits for the earlier, since both want a number, and what it made is taken back.
    """
    if digest is None:
        return make()
    made = Case.objects.filter(project=project, made_from=digest)
    if before := made.first():
        return before
    try:
        with transaction.atomic():
            case = make()
            Case.objects.filter(pk=case.pk).update(made_from=digest)
    except IntegrityError:
        if meanwhile := made.first():
            return meanwhile
        raise
    return case
