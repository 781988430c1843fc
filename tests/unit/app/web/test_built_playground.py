"""The committed build is whole: what is served is what was built, and it names only itself."""

import hashlib
import re

from app.web.playground import BUILT, MEDIA_TYPES, read_index

INDEX = read_index(BUILT)


def test_every_file_is_in_the_index_with_its_hash() -> None:
    lines = (BUILT / "SHA256SUMS").read_text().splitlines()

    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in BUILT.iterdir()
        if path.name != "SHA256SUMS"
    }

    assert sorted(f"{digest}  {name}" for name, digest in found.items()) == sorted(lines)


def test_every_file_has_a_known_type() -> None:
    assert {asset.path.suffix for asset in INDEX.values()} <= set(MEDIA_TYPES)


def test_the_page_has_no_inline_script_and_loads_only_built_files() -> None:
    page = (BUILT / "index.html").read_text()

    assert re.findall(r"<script[^>]*>(.*?)</script>", page) == [""]
    loaded = re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page)
    assert len(loaded) == 2
    assert {name.removeprefix("playground/") for name in loaded} <= set(INDEX)


def test_the_three_workers_are_classic_scripts_of_their_own() -> None:
    for name in ("editor", "json", "graphql"):
        text = (BUILT / f"{name}.worker.js").read_text()

        assert not re.search(r"(^|;)\s*(import|export)\b\s*[{*\"]", text)


def test_licences_of_all_that_is_bundled_are_there() -> None:
    text = (BUILT / "LICENSES.txt").read_text()

    for package in (
        "graphiql",
        "monaco-editor",
        "react-dom",
        "graphql-ws",
        "@fontsource/fira-code",
    ):
        assert re.search(rf"^{re.escape(package)} \d\S* \(\S+\)$", text, re.MULTILINE)
