"""What the web server imports, once in each of its workers."""

import os

from django.core.wsgi import get_wsgi_application

from llmobs.garbage import settle
from llmobs.supervise import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmobs.settings")

# A server that was killed must not leave workers behind that go on serving beside those of the next one.
if os.environ.get("LLMOBS_SUPERVISED"):
    die_with_parent()

application = get_wsgi_application()
settle()
