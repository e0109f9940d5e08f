"""A hook for mkdocs that adds README.md as the home page and CHANGELOG.md as a page. All other pages are in docs/.

The navigation in mkdocs.yml names the folders that tools/reference.py generates. All of their pages are added to it.

Links are written for GitHub and rewritten for the site. Links into docs/ become relative. Links to other files of the
repository become absolute, but a link that is a paragraph of its own is replaced by the file's content.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/pulumi-joviam/pulumi-joviam"
SOURCES = {"index.md": "README.md", "changelog.md": "CHANGELOG.md"}
"""{page: its source file outside docs/}."""

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]+)?\)")
IN_REPOSITORY = re.compile(rf"{REPOSITORY}/(?:blob|tree)/main/(.+)")
LANGUAGES = {".py": "python", ".yml": "yaml", ".md": "markdown"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of a folder into the navigation where that names the folder: its index first."""
    folders = {title: path for entry in config.nav or [] if isinstance(entry, dict) for title, path in entry.items()}
    for entry in config.nav or []:
        for title, folder in folders.items():
            if title in entry and str(folder).endswith("/"):
                pages = sorted(Path(config.docs_dir, folder).glob("*.md"), key=lambda it: (it.stem != "index", it.stem))
                entry[title] = [f"{folder}{page.name}" for page in pages]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/."""
    for page, source in SOURCES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Rewrite the links of a page."""
    path = page.file.src_uri
    pages = {source: f"docs/{name}" for name, source in SOURCES.items()}

    def changed(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if inside := IN_REPOSITORY.fullmatch(target):
            target = inside[1]
        elif re.match(r"[a-z]+:", target):
            return found[0]
        else:
            target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(path), target))
        target = pages.get(target, target)
        if target.startswith("docs/"):
            return f"[{text}]({posixpath.relpath(target, posixpath.dirname(f'docs/{path}'))}{anchor})"
        file = ROOT / target
        if not file.exists():
            raise PluginError(f"{path} links to {target}, which does not exist")
        alone = found.string[: found.start()].endswith("\n\n") and found.string[found.end() :].startswith("\n\n")
        if alone and file.is_file():
            return _fenced(file, target)
        return f"[{text}]({REPOSITORY}/{'blob' if file.is_file() else 'tree'}/main/{target}{anchor})"

    return LINK.sub(changed, markdown)


def _fenced(file: Path, name: str) -> str:
    # five backticks, because the file may contain fences
    return f'`````{LANGUAGES[file.suffix]} title="{name}"\n{file.read_text()}`````'
