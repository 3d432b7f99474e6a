"""Addresses for templates: `{% session_url project.slug trace.session_id %}`."""

from django import template

from traces import addresses

register = template.Library()
register.simple_tag(addresses.session_url)
register.simple_tag(addresses.list_url)
register.simple_tag(addresses.user_url)
register.simple_tag(addresses.feature_url)
