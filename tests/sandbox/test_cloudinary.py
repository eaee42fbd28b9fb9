"""Cloudinary's own SDK uploads and destroys; pictures come back in the size and format a browser asks for."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import urllib.parse
import urllib.request
from typing import Any

import cloudinary.uploader
import pytest
from cloudinary.exceptions import AuthorizationRequired, BadRequest
from cloudinary.utils import api_sign_request
from PIL import Image

from mountify.core.pictures import sized
from mountify.sandbox.cloudinary_account import API_SECRET
from mountify.sandbox.cloudinary_painter import WIDTHS_PX

from .support import Running, wait_for
from .vendors import account, picture


def upload(sandbox: Running, content: bytes | str, **options: Any) -> dict[str, Any]:
    sent = io.BytesIO(content) if isinstance(content, bytes) else content
    return dict(cloudinary.uploader.upload(sent, **{**account(sandbox), **options}))


def fetch(url: str, accept: str = "*/*", **headers: str) -> tuple[int, Any, bytes]:
    asked = urllib.request.Request(urllib.parse.quote(url, safe=":/,%"), headers={"Accept": accept, **headers})
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
    assert told["etag"] == hashlib.md5(content).hexdigest()
    proof = {"public_id": told["public_id"], "version": told["version"]}
    assert told["signature"] == api_sign_request(proof, API_SECRET, signature_version=1)
    status, headers, body = fetch(told["secure_url"])
    assert (status, headers["Content-Type"], body) == (200, "image/png", content)
    assert "immutable" in headers["Cache-Control"]
    assert fetch(told["secure_url"], **{"If-None-Match": headers["ETag"]})[0] == 304
    assert upload(sandbox, content, public_id="parts/stand-1")["overwritten"] is True
    assert "parts/stand-1" in sandbox.get("/pictures").text


@pytest.mark.parametrize(
    ("accept", "kind", "mimetype"),
    [
        ("image/avif,image/webp,*/*", "AVIF", "image/avif"),
        ("image/webp,*/*", "WEBP", "image/webp"),
        ("IMAGE/AVIF;q=0, image/webp;q=0.1", "WEBP", "image/webp"),
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
        ("q_30", (96, 120)), ("c_limit,w_48,h_30", (24, 30)), ("c_limit,w_96,dpr_3.0", (96, 120)),
        ("c_fill,w_200,h_20", (200, 20)), ("c_fill,w_20,h_200,dpr_1.5", (30, 300)),
    ],
)  # fmt: skip
def test_a_picture_comes_in_the_size_asked_for(sandbox: Running, transformation: str, size: tuple[int, int]) -> None:
    status, _, body = fetch(transformed(upload(sandbox, picture())["secure_url"], transformation))
    assert status == 200 and opened(body).size == size


@pytest.mark.parametrize("kind", ["jpg", "webp", "avif"])
def test_economy_makes_smaller_files(sandbox: Running, kind: str) -> None:
    url = upload(sandbox, noise())["secure_url"]
    sizes = [len(fetch(transformed(url, f"f_{kind},q_auto{level}"))[2]) for level in (":low", ":eco", "", ":best")]
    assert sizes == sorted(set(sizes))


def noise() -> bytes:
    """A picture that does not compress by itself."""
    out = io.BytesIO()
    Image.effect_noise((240, 300), 90).convert("RGB").save(out, "PNG")
    return out.getvalue()


def test_filling_crops_from_the_middle(sandbox: Running) -> None:
    out = io.BytesIO()
    stripes = Image.new("RGB", (90, 30), "red")
    stripes.paste("lime", (30, 0, 60, 30))
    stripes.save(out, "PNG")
    url = upload(sandbox, out.getvalue())["secure_url"]
    assert opened(fetch(transformed(url, "c_fill,w_30,h_30"))[2]).getcolors() == [(900, (0, 255, 0))]


def test_what_one_can_see_through_stays_so(sandbox: Running) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(out, "PNG")
    url = upload(sandbox, out.getvalue())["secure_url"]
    for accept, kind in (("*/*", "PNG"), ("image/webp", "WEBP"), ("image/avif", "AVIF")):
        body = opened(fetch(transformed(url, "f_auto,w_20"), accept)[2])
        assert (body.format, body.convert("RGBA").getpixel((9, 9))[3]) == (kind, 0)
    flat = opened(fetch(transformed(url, "f_jpg,w_20"))[2])
    assert (flat.mode, flat.getpixel((9, 9))) == ("RGB", (255, 255, 255))


def test_what_the_camera_knew_is_not_delivered(sandbox: Running) -> None:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of the tests"  # turned right; the maker
    Image.new("RGB", (120, 80), "orange").save(out, "JPEG", exif=exif)
    told = upload(sandbox, out.getvalue())
    assert (told["width"], told["height"]) == (80, 120)
    body = fetch(transformed(told["secure_url"], "w_40"))[2]
    assert opened(body).size == (40, 60) and b"Camera" not in body


def test_the_sizes_of_the_shop_are_rendered_at_upload(sandbox: Running) -> None:
    content = picture(1200, 1500)
    told = upload(sandbox, content, public_id="demo/stand")
    folder = sandbox.data / "pictures" / "derived" / hashlib.sha256(content).hexdigest()
    wait_for(lambda: len(list(folder.glob("*.avif"))) == len(WIDTHS_PX), "the painter")
    ready = {path.read_bytes() for path in folder.glob("*.avif")}
    for width in WIDTHS_PX:
        assert fetch(str(sized(told["secure_url"], width)), "image/avif")[2] in ready
    assert len(list(folder.iterdir())) == len(WIDTHS_PX)


@pytest.mark.parametrize(
    "transformation",
    [
        "w_0",
        "w_99999",
        "w_x",
        "w_0.5",
        "c_crop",
        "f_exe",
        "q_0",
        "q_101",
        "q_auto:none",
        "z_1",
        "dpr_99",
        "dpr_0",
        "w_²",
    ],
)
def test_a_transformation_it_does_not_know_is_refused(sandbox: Running, transformation: str) -> None:
    status, headers, body = fetch(transformed(upload(sandbox, picture())["secure_url"], transformation))
    message = json.loads(body)["error"]["message"]
    assert status == 400 and message == f"Invalid transformation component - {transformation}"
    assert headers["X-Cld-Error"] == message.replace("²", "?")


def test_what_is_destroyed_is_gone(sandbox: Running) -> None:
    told = upload(sandbox, picture())
    assert cloudinary.uploader.destroy(told["public_id"], invalidate=True, **account(sandbox)) == {"result": "ok"}
    assert cloudinary.uploader.destroy(told["public_id"], **account(sandbox)) == {"result": "not found"}
    status, headers, _ = fetch(told["secure_url"])
    assert status == 404 and "Resource not found" in headers["X-Cld-Error"]


def test_either_signature_is_taken(sandbox: Running) -> None:
    for algorithm in ("sha1", "sha256"):
        told = upload(sandbox, picture(), signature_algorithm=algorithm, tags=["nuts&bolts"])
        assert told["tags"] == ["nuts&bolts"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_secret": "wrong"}, r"Invalid Signature \w{40}\. String to sign - 'overwrite=1&timestamp=\d+'\."),
        ({"api_secret": "wrong", "signature_algorithm": "sha256"}, r"Invalid Signature \w{64}\."),
        ({"api_key": "999"}, "Invalid api_key 999"),
        ({"cloud_name": "somebody-else"}, "cloud_name mismatch"),
    ],
)
def test_who_has_not_signed_is_refused(sandbox: Running, options: dict[str, Any], words: str) -> None:
    with pytest.raises(AuthorizationRequired, match=words):
        upload(sandbox, picture(), overwrite=True, **options)
    with pytest.raises(AuthorizationRequired):
        cloudinary.uploader.destroy("parts/hook", **{**account(sandbox), **options})


def test_a_signature_of_yesterday_is_stale(sandbox: Running) -> None:
    sandbox.order("/_clock", {"advance_s": 3500})
    assert upload(sandbox, picture())
    sandbox.order("/_clock", {"advance_s": 200})
    for call in (lambda: upload(sandbox, picture()), lambda: cloudinary.uploader.destroy("a", **account(sandbox))):
        with pytest.raises(BadRequest, match=r"reported time is \d{4}-\d\d-\d\d .* which is more than 1 hour ago"):
            call()


@pytest.mark.parametrize("public_id", ["../../etc/passwd", "/a", "a/", " a", "a?b", "a\nb", "ä", "a" * 201])
def test_a_name_that_is_no_address_is_refused(sandbox: Running, public_id: str) -> None:
    with pytest.raises(BadRequest, match="is invalid"):
        upload(sandbox, picture(), public_id=public_id)


@pytest.mark.parametrize(
    "options", [{"folder": "parts"}, {"eager": [{"width": 9}]}, {"type": "private"}, {"upload_preset": "a"}]
)
def test_what_it_does_not_play_it_does_not_swallow(sandbox: Running, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="does not play"):
        upload(sandbox, picture(), **options)


def test_the_first_picture_stays_unless_it_may_be_replaced(sandbox: Running) -> None:
    first = upload(sandbox, picture(), public_id="kept", tags=["part", "new"])
    assert first["tags"] == ["part", "new"]
    second = upload(sandbox, picture(20, 20), public_id="kept", overwrite=False)
    assert second["existing"] is True and second["width"] == 96
    assert upload(sandbox, picture(20, 20), public_id="kept", overwrite=True)["width"] == 20
    assert opened(fetch(first["secure_url"])[2]).size == (20, 20)


def test_a_nameless_picture_is_given_a_name(sandbox: Running) -> None:
    assert re.fullmatch(r"\w{20}", upload(sandbox, picture())["public_id"])


def test_a_data_uri_is_a_file_and_an_address_is_not_fetched(sandbox: Running) -> None:
    encoded = base64.b64encode(picture(1500, 1500, "PNG")).decode()
    assert upload(sandbox, f"data:image/png;base64,{encoded}")["width"] == 1500
    for text in ("data:image/png;base64,AAA", "https://shop.example/a.png", f"{sandbox.url}/healthz"):
        with pytest.raises(BadRequest):
            upload(sandbox, text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Empty file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Invalid image file"),
        (b"GIF89a", "Invalid image file"),
        (picture()[:40], "Invalid image file"),
        (picture(kind="PNG")[:-30], "Invalid image file"),
        (b"\0" * (10 * 1024 * 1024 + 1), r"File size too large. Got 10485761. Maximum is 10485760."),
    ],
    ids=["empty", "svg", "gif", "cut-webp", "cut-png", "large"],
)
def test_what_does_not_decode_is_no_picture(sandbox: Running, content: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        upload(sandbox, content)


def test_a_bomb_is_refused_before_it_goes_off(sandbox: Running) -> None:
    out = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(out, "PNG")
    with pytest.raises(BadRequest, match="Invalid image file"):
        upload(sandbox, out.getvalue())


def test_pictures_survive_a_kill(own_sandbox: Running) -> None:
    told = upload(own_sandbox, picture(), public_id="kept")
    path = told["secure_url"].split("/", 3)[3]
    own_sandbox.kill()
    own_sandbox.start()
    assert fetch(f"{own_sandbox.url}/{path}")[0] == 200
    own_sandbox.order("/_reset", {})
    assert fetch(f"{own_sandbox.url}/{path}")[0] == 404
