"""Whose tries are counted together."""

from __future__ import annotations

import pytest
from flask import Flask

from mountify.web.limits import address


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("203.0.113.7", "address:203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "address:2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "address:203.0.113.7"),
        ("unix", "address:unix"),
    ],
)
def test_an_ipv6_network_is_one_client(app: Flask, given: str, counted: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": given}):
        assert address() == counted


def test_a_line_break_in_an_address_of_another_name_is_no_header(app: Flask) -> None:
    answer = app.test_client().get("/%0d%0aSet-Cookie:x=1?a=b", base_url="http://localhost:3999")
    assert answer.status_code == 308 and answer.headers["Location"].endswith("/%0D%0ASet-Cookie%3Ax%3D1?a=b")
    assert "Set-Cookie" not in answer.headers
