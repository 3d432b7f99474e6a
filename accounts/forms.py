"""What members fill in."""

import zoneinfo
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError

from accounts.models import Key, Project, User

MOST_ID_KEYS = 20
MOST_FACET_KEYS = 10  # each is counted at every look at the list
LONGEST_ID_KEY = 200  # characters
MEBIBYTE = 1 << 20
_WHOLE = "Write a whole number of 1 or more, or nothing."
_NO_LIMIT = {"invalid": _WHOLE, "min_value": _WHOLE, "max_value": "At most %(limit_value)s; for more, write nothing."}


class LoginForm(AuthenticationForm):
    """E-mail and password; the browser adds its time zone."""

    time_zone = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    error_messages = {
        "invalid_login": "This e-mail address and password do not belong together.",
        "inactive": "This member has been switched off. Ask an admin.",
    }

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()

    def clean_time_zone(self) -> str:
        name = self.cleaned_data["time_zone"]
        return name if name in zoneinfo.available_timezones() else ""


class PasswordForm(PasswordChangeForm):
    """The password now, and twice a new one."""

    error_messages = {
        "password_incorrect": "This is not your password now.",
        "password_mismatch": "The two new passwords differ.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "Password now"
        self.fields["new_password1"].help_text = "At least 10 characters, and none that many people use."
        self.fields["new_password2"].label = "New password again"
        self.fields["new_password2"].help_text = ""
        for field in self.fields.values():
            field.error_messages["required"] = "Write a password."


class PreferencesForm(forms.ModelForm[User]):
    """How llmobs looks, which clock it shows and what keys do, for one member. What is not sent stays as it is."""

    class Meta:
        model = User
        fields = ["theme", "time_zone", "single_keys"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in [name for name in self.fields if name not in self.data]:
            del self.fields[name]

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"])
        if name and name not in zoneinfo.available_timezones():
            raise ValidationError(f"{name} is not a time zone; write one such as Europe/Berlin.")
        return name


class KeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(
        max_length=100,
        error_messages={"required": "Write what the key is for.", "max_length": "Write at most 100 characters."},
        help_text="The service or the person that uses it.",
    )
    scope = forms.ChoiceField(choices=Key.Scope.choices, initial=Key.Scope.INGEST)


class LimitsForm(forms.Form):
    """What a key may send. A field that is left empty is no limit."""

    requests = forms.IntegerField(
        label="Requests a minute", required=False, min_value=1, max_value=2**31 - 1, error_messages=_NO_LIMIT
    )
    spans = forms.IntegerField(
        label="Spans a minute",
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        error_messages=_NO_LIMIT,
        help_text="The batch that reaches it is still taken whole.",
    )
    mebibytes = forms.IntegerField(
        label="MiB in flight",
        required=False,
        min_value=1,
        max_value=100_000,
        error_messages=_NO_LIMIT,
        help_text="Of all requests that are being taken in at one moment, as they are sent.",
    )

    def __init__(self, data: Mapping[str, Any] | None, key: Key) -> None:
        mebibytes = key.bytes_in_flight and max(key.bytes_in_flight // MEBIBYTE, 1)
        initial = {"requests": key.requests_per_minute, "spans": key.spans_per_minute, "mebibytes": mebibytes}
        super().__init__(data, initial=initial)

    def save(self, key: Key) -> None:
        """Write the limits into `key`."""
        mebibytes = self.cleaned_data["mebibytes"]
        key.requests_per_minute, key.spans_per_minute = self.cleaned_data["requests"], self.cleaned_data["spans"]
        key.bytes_in_flight = mebibytes * MEBIBYTE if mebibytes else None
        key.save(update_fields=["requests_per_minute", "spans_per_minute", "bytes_in_flight"])


class MetadataKeysForm(forms.Form):
    """Some keys of metadata, one a line; a form of each use names its `field` of the project."""

    field = ""
    most = MOST_ID_KEYS
    keys = forms.CharField(
        required=False,
        max_length=MOST_ID_KEYS * (LONGEST_ID_KEY + 20),
        widget=forms.Textarea(attrs={"rows": 6, "class": "id", "autocapitalize": "off", "spellcheck": "false"}),
    )

    def clean_keys(self) -> list[str]:
        lines = (line.strip().removeprefix("metadata.").strip() for line in self.cleaned_data["keys"].splitlines())
        keys = list(dict.fromkeys(line for line in lines if line))
        if len(keys) > self.most:
            raise ValidationError(f"These are {len(keys)} keys; name at most {self.most}.")
        for key in keys:
            if len(key) > LONGEST_ID_KEY:
                raise ValidationError(f"{key[:30]}… is {len(key)} characters long; at most {LONGEST_ID_KEY} are taken.")
            if not key.isprintable() or any(sign in key for sign in ',;:"'):
                raise ValidationError(f"{key} cannot be a key; write one a line, without commas, colons or quotes.")
        return keys

    def save(self, project: Project) -> None:
        """Write the keys into `project`."""
        setattr(project, self.field, self.cleaned_data["keys"])
        project.save(update_fields=[self.field])


class IdKeysForm(MetadataKeysForm):
    """Those whose values are ids."""

    field = "id_keys"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["keys"].label = "Keys of metadata that are ids"
        self.fields[
            "keys"
        ].help_text = "One a line, as your services send them: order_id, ticket. No line: only the usual ids are found."


class FacetKeysForm(MetadataKeysForm):
    """Those that lists of traces are narrowed down by."""

    field = "facet_keys"
    most = MOST_FACET_KEYS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["keys"].label = "Keys of metadata that narrow down"
        self.fields[
            "keys"
        ].help_text = (
            "One a line, as your services send them: plan, region, tenant. They stand below the others, in this order."
        )
