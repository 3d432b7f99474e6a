"""The settings lead everybody to a page that they may see."""

import pytest
from django.urls import reverse


@pytest.mark.parametrize(
    ("client", "page"),
    [
        ("member_client", "alerts:mail-list"),
        ("engineer_client", "traces:inbox"),
        ("admin_of_project_client", "accounts:keys"),
    ],
)
def test_the_settings_open_on_the_first_page_that_the_role_may_see(request, project, client, page):
    answer = request.getfixturevalue(client).get(reverse("accounts:settings", args=[project.slug]), follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain == [(reverse(page, args=[project.slug]), 302)]


def test_strangers_find_no_settings(stranger_client, project):
    assert stranger_client.get(reverse("accounts:settings", args=[project.slug])).status_code == 404
