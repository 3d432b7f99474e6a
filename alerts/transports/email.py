"""Mail, by Django's settings: SMTP where EMAIL_URL names a server, else files under MAIL_FOLDER."""

from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from alerts.errors import TransportError
from alerts.message import Message


def send(message: Message) -> None:
    """Hand one mail to the server. Raises TransportError: permanent when the server will never take it."""
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.address],
        headers=dict(message.headers),
    )
    mail.attach_alternative(message.html, "text/html")
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()), (0, b""))
        raise _refused(code, answer) from error
    except SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error) from error
    except (SMTPException, OSError) as error:
        raise TransportError(f"The mail server did not answer: {error}.") from error
    except ValueError as error:  # Django's BadHeaderError, or an address that no mail can have
        raise TransportError(f"The mail cannot be written: {error}.", permanent=True) from error


def _refused(code: int, answer: bytes | str) -> TransportError:
    """5xx is for good and 4xx for now (RFC 5321, 4.2.1); a refused log-in is for now, until somebody mends it."""
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    permanent = 500 <= code < 600 and code not in (530, 534, 535, 538)
    return TransportError(
        f"The mail server refused it: {code} {' '.join(words.split())}"[:290] + ".", permanent=permanent
    )
