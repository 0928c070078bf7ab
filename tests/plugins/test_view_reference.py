import os
from pathlib import Path

from plugins.view_reference import view_reference
from recommenders.sight import ALL

PAGE = Path(__file__).parents[2] / "docs" / "plugins-view.md"


def test_the_page_is_what_the_code_says():
    if os.environ.get("WRITE_REFERENCE"):
        PAGE.write_text(view_reference(), encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == view_reference(), "write it anew: WRITE_REFERENCE=1 pytest " + __file__


def test_the_page_has_every_word():
    assert [word for word in ALL if f"| `{word}` |" not in view_reference()] == []
