"""Markdown as its writers mean it: as HTML on the page, as plain words beside it."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False})


def markdown(text: str) -> Markup:
    """Turn Markdown into HTML. HTML in the text stays text, and links lead nowhere but to pages and mail.

    A page has its own title: where the text has some of the first level, all its headings go down by one.
    """
    tokens = _markdown.parse(text)
    if any(token.tag == "h1" for token in tokens):
        for token in tokens:
            if token.type.startswith("heading"):
                token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return Markup(html)  # noqa: S704  html=False escapes everything that is not Markdown


def opening(text: str) -> str:
    """The first paragraph of a Markdown text that is no heading."""
    paragraphs = re.split(r"(?:\r?\n){2,}", text.strip())
    return next((paragraph for paragraph in paragraphs if not paragraph.startswith("#")), "")


def plain(text: str) -> str:
    """The words of a Markdown text without its marks; its headings only when there is nothing else."""
    body, headings, is_heading = list[str](), list[str](), False
    for token in _markdown.parse(text):
        if token.tag.startswith("h") and token.type.startswith("heading"):
            is_heading = token.nesting == 1
        elif token.type == "inline":
            (headings if is_heading else body).append(_words(token))
        elif token.content:  # a block of code
            body.append(token.content)
    return " ".join(" ".join(body or headings).split())


def _words(inline: Token) -> str:
    return "".join(" " if child.type.endswith("break") else child.content for child in inline.children or ())
