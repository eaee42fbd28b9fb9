"""Cloudinary's own SDK uploads and destroys; pictures come back in the size and format a browser asks for."""

from __future__ import annotations

import io
import json
import urllib.request
from typing import Any

import cloudinary.uploader
import pytest
from cloudinary.exceptions import AuthorizationRequired, BadRequest, GeneralError
from PIL import Image

from mountify.sandbox.cloudinary_api import API_KEY, API_SECRET

from .support import Running

CLOUD = "mountify"


def picture(width: int = 96, height: int = 120, kind: str = "WEBP", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert(mode).save(out, kind)
    return out.getvalue()


def upload(sandbox: Running, content: bytes, **options: Any) -> dict[str, Any]:
    account = {
        "cloud_name": CLOUD, "api_key": API_KEY, "api_secret": API_SECRET, "upload_prefix": sandbox.url, "timeout": 10,
    }  # fmt: skip
    return dict(cloudinary.uploader.upload(io.BytesIO(content), **{**account, **options}))


def fetch(url: str, accept: str = "*/*", **headers: str) -> tuple[int, Any, bytes]:
    asked = urllib.request.Request(url, headers={"Accept": accept, **headers})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def transformed(url: str, transformation: str) -> str:
    return url.replace("/image/upload/", f"/image/upload/{transformation}/")


def test_an_upload_tells_what_it_is_and_can_be_fetched(sandbox: Running) -> None:
    content = picture(kind="PNG")
    told = upload(sandbox, content, public_id="parts/stand-1")
    assert (told["public_id"], told["width"], told["height"], told["format"]) == ("parts/stand-1", 96, 120, "png")
    assert told["bytes"] == len(content) and told["resource_type"] == "image" and "overwritten" not in told
    status, headers, body = fetch(told["secure_url"])
    assert status == 200 and headers["Content-Type"] == "image/png" and opened(body).size == (96, 120)
    assert "immutable" in headers["Cache-Control"]
    assert fetch(told["secure_url"], **{"If-None-Match": headers["ETag"]})[0] == 304
    assert upload(sandbox, content, public_id="parts/stand-1")["overwritten"] is True
    assert "parts/stand-1" in sandbox.get("/pictures").text


@pytest.mark.parametrize(
    ("accept", "kind", "mimetype"),
    [
        ("image/avif,image/webp,*/*", "AVIF", "image/avif"),
        ("image/webp,*/*", "WEBP", "image/webp"),
        ("*/*", "JPEG", "image/jpeg"),
    ],
)
def test_the_format_is_the_best_the_browser_takes(sandbox: Running, accept: str, kind: str, mimetype: str) -> None:
    told = upload(sandbox, picture())
    url = transformed(told["secure_url"], "f_auto,q_auto:eco,c_limit,w_48")
    status, headers, body = fetch(url, accept)
    assert (status, headers["Content-Type"], headers["Vary"]) == (200, mimetype, "Accept")
    assert (opened(body).format, opened(body).size) == (kind, (48, 60))
    assert fetch(url, accept)[2] == body


@pytest.mark.parametrize(
    ("transformation", "size"),
    [
        ("w_48", (48, 60)), ("h_60", (48, 60)), ("c_scale,w_10,h_10", (10, 10)), ("c_limit,w_960", (96, 120)),
        ("c_fill,w_50,h_50", (50, 50)), ("c_limit,w_24,dpr_2.0", (48, 60)), ("w_48/f_png", (48, 60)),
        ("q_30", (96, 120)), ("c_limit,w_48,h_30", (24, 30)),
    ],
)  # fmt: skip
def test_a_picture_comes_in_the_size_asked_for(sandbox: Running, transformation: str, size: tuple[int, int]) -> None:
    status, _, body = fetch(transformed(upload(sandbox, picture())["secure_url"], transformation))
    assert status == 200 and opened(body).size == size


def test_economy_makes_smaller_files(sandbox: Running) -> None:
    url = upload(sandbox, picture(480, 600))["secure_url"]
    sizes = [len(fetch(transformed(url, f"f_jpg,q_auto:{level}"))[2]) for level in ("eco", "good", "best")]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


@pytest.mark.parametrize(
    "transformation", ["w_0", "w_99999", "w_x", "c_crop", "f_exe", "q_0", "q_101", "z_1", "dpr_99"]
)
def test_a_transformation_it_does_not_know_is_refused(sandbox: Running, transformation: str) -> None:
    status, headers, body = fetch(transformed(upload(sandbox, picture())["secure_url"], transformation))
    assert status == 400 and transformation in headers["X-Cld-Error"] and "message" in json.loads(body)["error"]


def test_what_is_destroyed_is_gone(sandbox: Running) -> None:
    account = {"cloud_name": CLOUD, "api_key": API_KEY, "api_secret": API_SECRET, "upload_prefix": sandbox.url}
    told = upload(sandbox, picture())
    assert cloudinary.uploader.destroy(told["public_id"], **account) == {"result": "ok"}
    assert cloudinary.uploader.destroy(told["public_id"], **account) == {"result": "not found"}
    status, headers, _ = fetch(told["secure_url"])
    assert status == 404 and "Resource not found" in headers["X-Cld-Error"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_secret": "wrong"}, "Invalid Signature"),
        ({"api_key": "999"}, "Invalid api_key"),
        ({"public_id": "../../etc/passwd"}, "is invalid"),
    ],
)
def test_who_has_not_signed_is_refused(sandbox: Running, options: dict[str, Any], words: str) -> None:
    with pytest.raises((AuthorizationRequired, BadRequest, GeneralError), match=words):
        upload(sandbox, picture(), **options)


def test_a_signature_of_yesterday_is_stale(sandbox: Running) -> None:
    sandbox.order("/_clock", {"advance_s": 7200})
    with pytest.raises(BadRequest, match="Stale request"):
        upload(sandbox, picture())


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", picture()[:40]])
def test_what_does_not_decode_is_no_picture(sandbox: Running, content: bytes) -> None:
    with pytest.raises((BadRequest, GeneralError), match=r"Invalid image file|Empty file|Missing required"):
        upload(sandbox, content)


def test_a_bomb_is_refused_before_it_goes_off(sandbox: Running) -> None:
    out = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(out, "PNG")
    with pytest.raises(BadRequest, match="Invalid image file"):
        upload(sandbox, out.getvalue())


def test_wrong_methods_and_paths_speak_as_cloudinary(sandbox: Running) -> None:
    assert fetch(f"{sandbox.url}/v1_1/{CLOUD}/image/upload")[0] == 405
    for path in (f"/v1_1/{CLOUD}/nothing", f"/{CLOUD}/image/upload/v1/nothing.webp"):
        status, _, body = fetch(sandbox.url + path)
        assert status == 404 and "message" in json.loads(body)["error"]


def test_a_fault_speaks_as_cloudinary(sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "cloudinary", "status": 500})
    with pytest.raises(GeneralError, match="asked to fail"):
        upload(sandbox, picture())
    assert upload(sandbox, picture())["public_id"]


def test_pictures_survive_a_kill(own_sandbox: Running) -> None:
    told = upload(own_sandbox, picture(), public_id="kept")
    path = told["secure_url"].split("/", 3)[3]
    own_sandbox.kill()
    own_sandbox.start()
    assert fetch(f"{own_sandbox.url}/{path}")[0] == 200
    own_sandbox.order("/_reset", {})
    assert fetch(f"{own_sandbox.url}/{path}")[0] == 404
