"""`{% url %}` that makes each address once; built into all templates, in the place of Django's."""

from typing import Any

from django import template
from django.template import defaulttags
from django.template.base import Parser, Token
from django.urls import NoReverseMatch
from django.utils.html import conditional_escape

from llmobs.lib.addresses import page

register = template.Library()


class PageNode(defaulttags.URLNode):
    """Django's, but for names with arguments in their order, which all our templates use."""

    def render(self, context: template.Context) -> str:
        if self.kwargs:
            return super().render(context)
        try:
            address = page(self.view_name.resolve(context), *(one.resolve(context) for one in self.args))
        except NoReverseMatch:
            if self.asvar is None:
                raise
            address = ""
        if self.asvar:
            context[self.asvar] = address
            return ""
        return conditional_escape(address) if context.autoescape else address


@register.tag
def url(parser: Parser, token: Token) -> PageNode:
    """As Django's, without the current application, of which we have one each."""
    made: Any = defaulttags.url(parser, token)
    return PageNode(made.view_name, made.args, made.kwargs, made.asvar)
