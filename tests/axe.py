"""What axe complains about on a page: https://github.com/dequelabs/axe-core"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
# Only what is wrong comes back: all that is right would be megabytes.
_RUN = """async ([part, options]) => {
  const found = await axe.run(part, {resultTypes: ["violations"], ...options});
  if (!found.passes.length) throw new Error("axe has looked at nothing");
  return found.violations.map(each => [each.id, each.nodes.map(node => node.html.slice(0, 120))]);
}"""


def complaints(page: Page, part: str = "html", **options: object) -> list[tuple[str, list[str]]]:
    """Each rule that a part of the page breaks, and where; `options` are axe's own."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    return [(rule, nodes) for rule, nodes in page.evaluate(_RUN, [part, options])]
