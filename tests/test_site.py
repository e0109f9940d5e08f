"""The docs site builds without a warning, has every page, and loads nothing from the internet."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import reference
from tools.site import REPOSITORY


def build(site: Path, *, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does, in another folder."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", f"--site-dir={site}", f"--config-file={config}"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site. Warnings are errors."""
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stdout
    return folder


def test_every_page_exists(site: Path) -> None:
    """Each guide, resource, component and look-up has a page, and so have README and the changelog."""
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert written >= {"promises.md", "endpoints.md", "how-fast.md"}
    pages = {path.relative_to(site).with_suffix(".md").as_posix() for path in site.rglob("*.html")}
    assert pages >= written | {"index.md", "changelog.md"} | set(reference.pages())
    assert "0.1.0" in (site / "changelog.html").read_text()


def test_the_tutorial_shows_the_examples(site: Path) -> None:
    """The tutorial contains the programs of examples/, and links to other files lead to the repository."""
    page = re.sub(r"<[^>]+>", "", (site / "tutorial.html").read_text())
    for name in ("01-public-key", "02-instance", "03-private-network"):
        [*_, line] = (ROOT / "examples" / name / "__main__.py").read_text().splitlines()
        assert line in page.replace("&quot;", '"'), name
    assert 'href="../examples' not in (site / "tutorial.html").read_text()
    assert f'href="{REPOSITORY}/tree/main/examples/04-component"' in (site / "tutorial.html").read_text()


def test_the_links_of_readme_stay_in_the_site(site: Path) -> None:
    """On the home page, they lead to pages of the site, not to GitHub."""
    home = (site / "index.html").read_text()
    assert 'href="resources/disk.html"' in home
    assert f"{REPOSITORY}/blob/main/docs" not in home


def test_nothing_is_loaded_from_other_servers(site: Path) -> None:
    """No page loads a script, a style, a font or an image from another server."""
    loads = re.compile(r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']?([^"'\s>]+)|<link\b[^>]*\bhref=["']?([^"'\s>]+)""")
    loaded = {a or b for page in site.rglob("*.html") for a, b in loads.findall(page.read_text())}
    assert len(loaded) >= 5
    styled = {url for sheet in site.rglob("*.css") for url in re.findall(r"url\(([^)]+)\)", sheet.read_text())}
    assert not [url for url in loaded | styled if re.match(r"""["']?(?:https?:)?//""", url)]


def test_a_mistake_fails_the_build(tmp_path: Path) -> None:
    """The build fails for a page outside the navigation, and for a link to a missing page or heading."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs/hidden.md").write_text("# Hidden\n")
    (tmp_path / "docs/security.md").write_text("# Security\n\n[a](nowhere.md) [b](import.md#never)\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"INHERIT: {ROOT}/mkdocs.yml\ndocs_dir: docs\nhooks: [{ROOT}/tools/site.py]\n")
    done = build(tmp_path / "site", config=config)
    assert done.returncode != 0
    for mistake in ("hidden.md", "'nowhere.md', but", "'import.md#never', but"):
        assert mistake in done.stdout
