"""A product's picture at Cloudinary as the sandbox has it: kept, shown in other sizes, gone after its product."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from PIL import Image

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.pictures import sized
from mountify.gateways import Gateways
from mountify.services import product_changes, product_pictures, products
from tests.desk import somebody
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.sandbox.support import Running
from tests.services.test_picture_content import encoded

from .test_cloudinary import images_of


@pytest.fixture
def gateways(payments: FakePayments, mailer: FakeMailer, sandbox: Running) -> Gateways:
    return Gateways(payments=payments, mailer=mailer, images=images_of(sandbox))


def test_a_picture_lives_as_long_as_its_product(gateways: Gateways, run_jobs: Callable[[], int]) -> None:
    make_shop()
    product = make_product()
    content = encoded("PNG", (400, 500))
    product_pictures.add(somebody(), product.id, content, images=gateways.images, now=utcnow())
    cover = products.get_whole(product.id).image_url or ""
    db.release()
    run_jobs()
    with urllib.request.urlopen(sized(cover, 320) or "") as answer:
        assert Image.open(io.BytesIO(answer.read())).size == (320, 400)
    assert product_changes.delete(somebody(), product.id, now=utcnow())
    run_jobs()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(cover)
