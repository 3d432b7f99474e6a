"""What members write about a feature."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from llmobs.lib.weblinks import is_web_address
from traces.features import WRITTEN
from traces.models import Feature

MOST_VERSION = 2**31 - 1
# One word that begins as an address does, other than one that may be opened.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)


class FeatureForm(forms.Form):
    """`version` is the state that the member saw when they began to write."""

    owner = forms.CharField(
        required=False, max_length=200, help_text="Who looks after it: a team, or a member's address."
    )
    contact = forms.CharField(
        required=False, max_length=200, help_text="Where they are reached at night: a channel, a phone, an address."
    )
    runbook = forms.CharField(
        required=False,
        max_length=2_000,
        widget=forms.Textarea({"rows": 3}),
        help_text="What to do when it fails: the address of a page (https://…), or the steps themselves.",
    )
    notes = forms.CharField(required=False, max_length=10_000, widget=forms.Textarea({"rows": 8}))
    version = forms.IntegerField(min_value=0, max_value=MOST_VERSION, widget=forms.HiddenInput)

    def __init__(self, data: Any, feature: Feature, members: list[str]) -> None:
        kept = {name: getattr(feature, name) for name in (*WRITTEN, "version")}
        super().__init__(data, initial=kept)
        self.members = members
        self.fields["owner"].widget.attrs |= {"list": "members", "autocomplete": "off"}
        self.fields["contact"].widget.attrs["autocomplete"] = "off"

    def clean_runbook(self) -> str:
        said: str = self.cleaned_data["runbook"]
        if _ADDRESS.fullmatch(said) and not is_web_address(said):
            raise ValidationError(
                "This address cannot be opened from here. Write one that begins with https://, or a text."
            )
        return said
