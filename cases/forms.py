"""What members write about a case."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from cases import fix
from cases.members import name_of
from cases.models import LONGEST_COMMENT, LONGEST_FEATURE, LONGEST_NOTE, LONGEST_TITLE, Case
from traces.search.grammar import LONGEST, QueryError, parse

MOST_PASTED: Final = 20_000
_PLAIN: Final = {"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"}


class CaseForm(forms.Form):
    """A case as its members write it. `edits` is the state that was shown; of a new one it is 0."""

    edits = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False, widget=forms.HiddenInput)
    title = forms.CharField(max_length=LONGEST_TITLE, error_messages={"required": "Write in a line what went wrong."})
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea({"rows": 5}),
        help_text="What the customer said, and what you know. Members of the project see it.",
    )
    reported_by = forms.CharField(
        required=False, max_length=300, help_text="The customer's id, a ticket, or a link to it.", label="Reported by"
    )
    assignee = forms.ChoiceField(required=False, label="Who has it")
    feature = forms.CharField(
        required=False,
        max_length=LONGEST_FEATURE,
        widget=forms.TextInput(_PLAIN),
        help_text="As it is sent.",
    )
    similar = forms.CharField(
        required=False,
        max_length=LONGEST,
        label="What counts as similar",
        widget=forms.Textarea({"rows": 3, "class": "mono", **_PLAIN}),
        help_text="A line of the search, such as feature:refund failure:parser_failed. Leave out what a fix changes.",
    )
    fix_kind = forms.ChoiceField(
        required=False, label="The fix that it waits for", choices=[("", "Not known yet"), *fix.KINDS.items()]
    )
    fix_value = forms.CharField(
        required=False,
        max_length=fix.LONGEST_VALUE,
        label="Its name",
        widget=forms.TextInput({"list": "known-fixes", **_PLAIN}),
        help_text="A prompt with its version, such as refund@9; a release or a model by its name. It need not be live.",
    )

    def __init__(self, *args: Any, members: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Nobody yet"), *((str(one.pk), name_of(one)) for one in members)]
        kept = str(self.initial.get("assignee") or "")
        if kept and kept not in dict(choices):
            choices.append((kept, "Somebody who is no longer a member"))
        assignee = self.fields["assignee"]
        if isinstance(assignee, forms.ChoiceField):
            assignee.choices = choices

    def clean_title(self) -> str:
        return " ".join(str(self.cleaned_data["title"]).split())

    def clean_note(self) -> str:
        return str(self.cleaned_data["note"]).replace("\r\n", "\n").strip()

    def clean_similar(self) -> str:
        line = " ".join(re.split(r"\r?\n", str(self.cleaned_data["similar"]))).strip()
        try:
            parse(line)
        except QueryError as error:
            raise ValidationError(error.message) from error
        return line

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if "fix_kind" in said and "fix_value" in said:
            problem = fix.problem_of(said["fix_kind"], said["fix_value"])
            if problem:
                self.add_error("fix_kind" if said["fix_value"] and not said["fix_kind"] else "fix_value", problem)
        return said

    def values(self) -> dict[str, str]:
        """What was written, by `changes.FIELDS`."""
        said = self.cleaned_data
        kind = said["fix_kind"]
        named = str(fix.Fix(kind, said["fix_value"])) if kind else ""
        return {
            **{name: str(said[name]) for name in ("title", "note", "reported_by", "assignee", "feature", "similar")},
            "fix": named,
        }


class CommentForm(forms.Form):
    """A member's words about a case."""

    text = forms.CharField(max_length=LONGEST_COMMENT, error_messages={"required": "There is nothing to keep."})


class PastedForm(forms.Form):
    """Traces by what names them: ids and links in lines, or ticks in a list."""

    ids = forms.CharField(required=False, max_length=MOST_PASTED, widget=forms.Textarea({"rows": 3, **_PLAIN}))


def initial_of(case: Case) -> Mapping[str, Any]:
    """The form's fields as the case has them."""
    named = case.the_fix
    return {
        **{name: getattr(case, name) for name in ("edits", "title", "note", "reported_by", "feature", "similar")},
        "assignee": str(case.assignee_id or ""),
        "fix_kind": named.kind if named else "",
        "fix_value": named.value if named else "",
    }
