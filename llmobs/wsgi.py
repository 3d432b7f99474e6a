"""What the web server imports, once in each of its workers."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from llmobs.supervise import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmobs.settings")

# A server that was killed must not leave workers behind that go on serving beside those of the next one.
if os.environ.get("LLMOBS_SUPERVISED"):
    die_with_parent()

application = get_wsgi_application()

# What was made until here stays. To look for garbage after each 700 new objects, as Python does, took a third of the
# time in which a trace of 32,000 spans is read.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
