"""What templates may pass over in silence, and what is a mistake of who wrote them."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string
from jinja2 import UndefinedError

from mountify.services.products import Found

FOUND = Found([], 0, 1, 20)


def test_what_a_thing_does_not_have_is_a_mistake(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(UndefinedError, match="products"):
        render_template_string("{% for product in found.products %}{% endfor %}", found=FOUND)


@pytest.mark.parametrize("template", ["{{ errors.name }}", "{{ errors['name'] }}", "{% if nobody %}x{% endif %}"])
def test_a_page_that_is_not_given_something_leaves_it_out(app: Flask, template: str) -> None:
    with app.test_request_context():
        assert render_template_string(template, errors={}) == ""
