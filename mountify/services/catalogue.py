"""The catalogue as its merchant fills it, inside transactions that the caller opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from mountify.core.errors.catalogue import BadPrice
from mountify.core.money import Money, can_express
from mountify.core.slugs import slugify
from mountify.models.catalogue import Category, Inventory, Product, ProductImage
from mountify.services.settings import get_shop


@dataclass(frozen=True)
class NewImage:
    """A picture of a product; `width` and `height` in pixels, `public_id` its name at the image service.

    `color` is the picture seen from far away, such as "#d8d0c0".
    """

    url: str
    alt: str
    public_id: str | None = None
    width: int = 960
    height: int = 1200
    color: str | None = None

    @classmethod
    def of(cls, image: ProductImage) -> NewImage:
        return cls(
            image.image_url, image.alt, image.cloudinary_public_id, image.width or 0, image.height or 0, image.color
        )


@dataclass(frozen=True)
class NewProduct:
    """A product to be made. The first of its images is the main one."""

    name: str
    price: Money
    description: str = ""
    detailed_description: str = ""
    category_id: int | None = None
    slug: str | None = None
    attributes: dict[str, int] = field(default_factory=dict)
    low_stock_level: int | None = None
    images: Sequence[NewImage] = ()


def add_category(session: Session, name: str, slug: str, description: str, display_order: int) -> Category:
    category = Category(name=name, slug=slug, description=description, display_order=display_order)
    session.add(category)
    session.flush()
    return category


def add_product(session: Session, new: NewProduct, *, currency: str) -> Product:
    """Make a published product with empty stock and the shop's level of low stock.

    Raises BadPrice when the shop's currency cannot express its price.
    """
    if not can_express(new.price, currency):
        raise BadPrice(price=str(new.price), currency=currency)
    product = Product(
        name=new.name,
        slug=new.slug or slugify(new.name),
        price=new.price,
        description=new.description,
        detailed_description=new.detailed_description,
        category_id=new.category_id,
        attributes=new.attributes,
        low_stock_level=get_shop().low_stock if new.low_stock_level is None else new.low_stock_level,
        stock=Inventory(),
        images=[
            ProductImage(
                image_url=image.url,
                cloudinary_public_id=image.public_id,
                alt=image.alt,
                display_order=place,
                is_primary=place == 0,
                width=image.width,
                height=image.height,
                color=image.color,
            )
            for place, image in enumerate(new.images)
        ],
    )
    product.take_cover()
    session.add(product)
    session.flush()
    return product
