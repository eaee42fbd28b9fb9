"""The page that shows what was uploaded."""

from flask import Blueprint, render_template

from .context import the_sandbox


def create_blueprint() -> Blueprint:
    """Put the page of pictures together."""
    bp = Blueprint("pictures", __name__)
    bp.add_url_rule("/pictures", "index", _index)
    return bp


def _index() -> str:
    return render_template("pictures.html", pictures=the_sandbox().store.select("picture", limit=200))
