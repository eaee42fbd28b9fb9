"""Listing and product pages."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self
from urllib.parse import urljoin

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.texts import read_whole
from mountify.forms.listing import name_of, read_filters, read_page, to_query
from mountify.models.cart import MOST_OF_ONE
from mountify.models.catalogue import Product
from mountify.services import products
from mountify.services.products import PAGE_SIZE, CategoryCount, Filters, Found
from mountify.services.wording import format_money
from mountify.web import descriptions
from mountify.web.answers import page, wants_fragment
from mountify.web.assets import picture
from mountify.web.auth import settings
from mountify.web.frame import frame
from mountify.web.markdown import plain
from mountify.web.page_cache import kept, remembered, worth_keeping

bp = Blueprint("products", __name__, url_prefix="/products")


@dataclass(frozen=True, kw_only=True)
class Listing(Found):
    """A page of results and the addresses of its neighbours."""

    filters: Filters
    category: CategoryCount | None

    @classmethod
    def of(cls, found: Found, filters: Filters, category: CategoryCount | None) -> Self:
        return cls(
            items=found.items,
            total=found.total,
            number=found.number,
            size=found.size,
            is_exact=found.is_exact,
            filters=filters,
            category=category,
        )

    def url(self, **changes: Any) -> str:
        """The address of the same listing with other filters; a change of filters leads to the first page."""
        query: dict[str, Any] = to_query(self.filters)
        query.update(changes)
        return url_for("products.index", **{name: value for name, value in query.items() if value not in (None, "", 1)})

    @property
    def heading(self) -> str:
        if self.filters.category:
            return self.category.name if self.category else _("Unknown category")
        return f"“{self.filters.search}”" if self.filters.search else _("All parts")

    @property
    def canonical(self) -> str | None:
        """The address a search engine shall keep: the category and the page, without what merely narrows.

        None for what it shall not keep at all.
        """
        if self.filters.search or (self.filters.category and self.category is None):
            return None
        number = self.number if self.items else 1
        query: dict[str, Any] = to_query(Filters(category=self.filters.category), number)
        return url_for("products.index", **query)

    @property
    def coming(self) -> int:
        return min(PAGE_SIZE, self.total - self.last)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What narrows this listing, each with the address of the listing without it."""
        return [*self._said, *self._narrowing] if self._narrowing or len(self._said) > 1 or self._is_in_vain else []

    @property
    def _is_in_vain(self) -> bool:
        return bool(self.filters.category) and not self.total

    @property
    def _said(self) -> list[tuple[str, str]]:
        """What the heading says of it: one of them alone needs no chip as long as there is something to see."""
        filters, chips = self.filters, []
        if filters.category:
            chips.append((self.category.name if self.category else f"“{filters.category}”", self.url(category="")))
        if filters.search:
            chips.append((f"“{filters.search}”", self.url(search="")))
        return chips

    @property
    def _narrowing(self) -> list[tuple[str, str]]:
        filters, chips = self.filters, []
        if filters.min_price is not None:
            chips.append((_("From %(price)s", price=_price(filters.min_price)), self.url(min_price="")))
        if filters.max_price is not None:
            chips.append((_("Up to %(price)s", price=_price(filters.max_price)), self.url(max_price="")))
        if filters.in_stock:
            chips.append((_("In stock"), self.url(in_stock="")))
        return chips


def _price(amount: Decimal) -> str:
    return format_money(Money(amount), settings().currency, short=True)


@bp.get("")
def index() -> Response:
    filters, number = read_filters(request.args), read_page(request.args)
    return kept(_key(filters, number), lambda: show_listing(filters, number))


def _key(filters: Filters, number: int) -> str | None:
    name = name_of(filters, number)
    return f"listing:{name}" if name else None


def show_listing(filters: Filters, number: int) -> Response:
    """The page of a listing, or its results when htmx asks for them."""
    found = remembered(
        _key(filters, number), lambda: products.list_products(filters, number), worth=lambda found: bool(found.items)
    )
    category = frame().category(filters.category)
    listing = Listing.of(found, filters, category)
    if listing.items:
        worth_keeping()
    response = page(
        "products/index.html",
        block="results",
        shared=True,
        listing=listing,
        categories=frame().categories,
        category=category,
        heading=listing.heading,
        searched=filters.search,
        query=to_query(filters),
        closest=products.list_closest(filters.search) if filters.search and not listing.total else [],
        fragment=wants_fragment(),
        now=utcnow(),
        canonical=listing.canonical,
        description=descriptions.of_category(category) if category else descriptions.of_shop(),
    )
    here = listing.url(page=number)
    if wants_fragment() and not request.headers.get("HX-Current-URL", "").endswith(here):
        response.headers["HX-Push-Url"] = here
    return response


@bp.get("/<id:product_id>", defaults={"slug": ""})
@bp.get("/<id:product_id>-<slug>")
def show(product_id: int, slug: str) -> Response:
    key = None if {"quantity", "op"} & set(request.args) else f"product:{product_id}:{slug}"
    return kept(key, lambda: _show(product_id, slug))


def _show(product_id: int, slug: str) -> Response:
    product = products.get_product(product_id)
    if slug != product.slug:
        return make_response(redirect(url_for(".show", product_id=product.id, slug=product.slug), 301))
    worth_keeping()
    return show_page(product, quantity=stepped(product))


@bp.get("/<slug>")
def find(slug: str) -> BaseResponse:
    """An address without a number, of now or of earlier, leads to the one that has it."""
    product = products.get_by_slug(slug)
    return redirect(url_for(".show", product_id=product.id, slug=product.slug), 301)


def show_page(product: Product, *, quantity: object, error: str = "", status: int = 200) -> Response:
    return page(
        "products/show.html",
        shared=True,
        status=status,
        product=product,
        quantity=quantity,
        quantity_error=error,
        related=remembered(f"related:{product.id}", lambda: products.list_related(product)),
        now=utcnow(),
        canonical=url_for(".show", product_id=product.id, slug=product.slug),
        description=descriptions.of_product(product),
        data=_structured(product),
    )


def _structured(product: Product) -> dict[str, Any]:
    """The product as search engines read it: https://schema.org/Product"""
    base = settings().base_url
    stock = "InStock" if product.available > 0 else "OutOfStock"
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "sku": product.number,
        "description": product.description or plain(product.detailed_description),
        "image": [urljoin(base, picture(image.image_url, 960)) for image in product.images],
        "offers": {
            "@type": "Offer",
            "url": base + url_for(".show", product_id=product.id, slug=product.slug),
            "price": str(product.price),
            "priceCurrency": settings().currency,
            "availability": f"https://schema.org/{stock}",
        },
    }


def stepped(product: Product) -> int:
    """The quantity in the stepper: what was typed, one more or one less, within what can be had."""
    typed = read_whole(request.args.get("quantity", ""))
    step = {"inc": 1, "dec": -1}.get(request.args.get("op", ""), 0)
    return max(1, min((1 if typed is None else typed) + step, product.available, MOST_OF_ONE))
