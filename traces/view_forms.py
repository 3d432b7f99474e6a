"""What members fill in to keep a view of the list of traces."""

from typing import Final

from django import forms
from django.core.exceptions import ValidationError

LONGEST_NAME: Final = 60  # characters


class ViewForm(forms.Form):
    """A view's name, and whose it is."""

    name = forms.CharField(
        label="Name",
        max_length=LONGEST_NAME,
        error_messages={
            "required": "Write a name, such as Refund parser.",
            "max_length": f"A name has at most {LONGEST_NAME} characters.",
        },
    )
    shared = forms.BooleanField(required=False)

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if not name.isprintable():
            raise ValidationError("A name is a text of one line, without signs that cannot be seen.")
        return name
