"""A hook of mkdocs: the pages of the docs site that docs/ does not hold, because README.md and the code say them.

Links are written for a checkout, and turned for the site: one from README.md into docs/, one from docs/ to a section of
README.md. A link to any other file of the repository becomes its text alone, and where it stands alone on its line, the
file itself.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # mkdocs loads a hook by its path alone

from tools import reference  # noqa: E402 - see above

HOME = "index.md"
PARTS = {
    HOME: ("See it work", "Use it"),
    "resources/index.md": ("Resources",),
    "command-line.md": ("On the command line",),
    "endpoints.md": ("Every endpoint",),
    "how-fast.md": ("How fast",),
    "promises.md": ("What we promise",),
    "changelog.md": ("Changelog",),
}
"""{page: the sections of README.md that it consists of}; HOME begins as README.md does."""

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?![a-z]+:)([^)#]+)(#[^)]+)?\)")
LANGUAGES = {".py": "python", ".yml": "yaml", ".md": "markdown"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, text in (_from_readme() | reference.pages()).items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turn the links of a page."""
    path = page.file.src_uri
    home = "" if path in PARTS else posixpath.dirname(f"docs/{path}")

    def turned(found: re.Match[str]) -> str:
        text, target, place = found[1], posixpath.normpath(posixpath.join(home, found[2])), found[3] or ""
        if target == "README.md":
            target = "docs/" + _page_of(place.removeprefix("#"))
            place = ""
        if target.startswith("docs/"):
            return f"[{text}]({posixpath.relpath(target, posixpath.dirname(f'docs/{path}'))}{place})"
        alone = found.string[: found.start()].endswith("\n\n") and found.string[found.end() :].startswith("\n\n")
        return _shown(target) if alone else text

    return LINK.sub(turned, markdown)


def _from_readme() -> dict[str, str]:
    text = "\n" + reference.MARKS.sub("", reference.README.read_text())
    first, *others = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    parts = dict(zip(others[::2], others[1::2], strict=True))
    made = {}
    for page, titles in PARTS.items():
        if missing := [title for title in titles if title not in parts]:
            raise PluginError(f"README.md has no section {missing} for the page {page}")
        sections = "".join(f"## {title}\n{parts[title]}" for title in titles)
        # a page of one section has its title
        made[page] = first + sections if page == HOME else re.sub(r"^#(#+ )", r"\1", sections, flags=re.MULTILINE)
    return made


def _page_of(section: str) -> str:
    for page, titles in PARTS.items():
        if section in (title.lower().replace(" ", "-") for title in titles):
            return page
    raise PluginError(f"no page has the section #{section} of README.md")


def _shown(path: str) -> str:
    file = ROOT / path
    if not file.is_file():
        raise PluginError(f"{path}, which a page is to show, is no file")
    # five of them, because what is shown may have fences of its own
    return f'`````{LANGUAGES[file.suffix]} title="{path}"\n{file.read_text()}`````'
