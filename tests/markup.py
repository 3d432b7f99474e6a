"""What a page's HTML says, read by a parser: tags, attributes and text."""

from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse

# What a trace may hold to try to become part of the page. None of it contains what the app itself writes.
HOSTILE = "<script>alert(1)</script>\"'><img src=//evil.example/x onerror=alert(2)>{{ 7|add:7 }}{% now 'Y' %}&lt;b&gt;"


class Markup(HTMLParser):
    """A page or fragment. `tags` are (name, attributes); `text` is all that a reader would see, and scripts."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.inline: list[str] = []  # what a strict policy refuses
        self._inside: str | None = None
        self.feed(b"".join(answer).decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._inside = tag if tag in ("script", "style") else None
        for name, value in attributes.items():
            if name == "style" or name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.inline.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        inert = self._inside == "script" and self.tags[-1][1].get("type") == "application/json"
        if self._inside and data.strip() and not inert:
            self.inline.append(f"<{self._inside}>{data[:80]}")
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, Any]]:
        """The attributes of every such tag; underscores in names stand for dashes, `class_` for class."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [have for name, have in self.tags if name == tag and wanted.items() <= have.items()]

    @property
    def links(self) -> list[str]:
        """Where its links lead."""
        return [have["href"] for name, have in self.tags if name == "a" and have.get("href")]

    @property
    def loaded(self) -> list[str]:
        """The addresses that a browser asks for by itself."""
        named = [have.get("src") for _, have in self.tags if "src" in have]
        return [one for one in [*named, *(have.get("href") for have in self.all("link"))] if one]

    @property
    def words(self) -> str:
        """The text with single blanks."""
        return " ".join(self.text.split())
