"""What members change about a rule, in the units they think in: percents, not ratios."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from alerts.models import Rule

MOST_RECIPIENTS = 20
NOT_A_NUMBER = "Write a number, such as 5 or 0.5."
NOT_WHOLE = "Write a whole number of %s, such as %d."
NOT_A_COUNT = NOT_WHOLE % ("1 to 1,000,000", 40)
NOT_MINUTES = NOT_WHOLE % ("1 to 1,440", 10)
WRONG = ("invalid", "required", "min_value", "max_value")
# Metrics whose limit is written in percent; the others' is so many times the usual.
IN_PERCENT = frozenset({"error_rate", "requests"})
LIMIT_LABELS = {
    "error_rate": "Broken when more fail than",
    "latency_p95": "Broken from",
    "cost": "Broken from",
    "requests": "Broken when no more come than",
}
LEAST_REQUESTS = "At least so many requests"


class RuleForm(forms.ModelForm[Rule]):
    """`limit` is shown and read in percent where `IN_PERCENT` says so."""

    limit = forms.FloatField(error_messages={"invalid": NOT_A_NUMBER, "required": NOT_A_NUMBER})
    minimum = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        help_text="Fewer than this in 15 minutes are not judged.",
        error_messages=dict.fromkeys(WRONG, NOT_A_COUNT),
    )
    clean_minutes = forms.IntegerField(
        min_value=1,
        max_value=1_440,
        label="Over after",
        help_text="So long must it be as usual before an incident is over.",
        error_messages=dict.fromkeys(WRONG, NOT_MINUTES),
    )
    recipients = forms.CharField(
        required=False,
        max_length=4_000,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
        help_text="E-mail addresses, one a line. Nobody named: the project's admins.",
    )

    class Meta:
        model = Rule
        fields = ["enabled", "limit", "minimum", "clean_minutes", "severity", "recipients"]
        labels = {"enabled": "Look every 30 seconds", "severity": "An incident is a"}
        help_texts = {"severity": "A page wakes somebody, a ticket waits for the morning."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.in_percent = self.instance.metric in IN_PERCENT
        if self.in_percent:
            self.initial["limit"] = round(self.instance.limit * 100, 6)
        self.initial["limit"] = f"{self.initial['limit']:g}"
        self.fields["limit"].label = LIMIT_LABELS.get(self.instance.metric, "Limit")
        self.fields["minimum"].label = "At least so many calls" if self.instance.metric == "cost" else LEAST_REQUESTS

    @property
    def unit(self) -> str:
        """What stands behind the limit's field."""
        return "%" if self.in_percent else "times the usual"

    def clean_limit(self) -> float:
        limit: float = self.cleaned_data["limit"]
        if self.in_percent:
            if not 0 < limit < 100:
                raise ValidationError("Write a percentage between 0 and 100, such as 5 or 0.5.")
            return limit / 100
        if not 1 < limit <= 100:
            raise ValidationError("Write how many times the usual is too much: more than 1, such as 2 or 1.5.")
        return limit

    def clean_recipients(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["recipients"].splitlines() if line.strip()]
        if len(lines) > MOST_RECIPIENTS:
            raise ValidationError(f"These are {len(lines)} addresses; at most {MOST_RECIPIENTS} can be told.")
        for line in lines:
            _check_address(line)
        return "\n".join(lines)


def _check_address(line: str) -> None:
    try:
        validate_email(line)
    except ValidationError as error:
        shown = line if len(line) <= 60 else f"{line[:60]}…"
        raise ValidationError(
            f"“{shown}” is not an e-mail address; write one a line, such as anna@example.org."
        ) from error
