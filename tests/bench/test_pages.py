from __future__ import annotations

from pathlib import Path

from eclipsed.bench.pages import escaped, table, write_pages


def test_markdown_and_html_say_the_same(tmp_path: Path) -> None:
    rows = [(escaped("a<b"), "**0.5** *[0.1, 0.9]*"), (escaped("c|d"), "0.4")]
    blocks = [f"# {escaped('T_1')}", escaped("x & <i>y"), table(("who", "n"), rows, 1)]
    page = write_pages(blocks, tmp_path, "r", "T & 1")
    text, html = (tmp_path / "r.md").read_text(), page.read_text()
    assert "| a\\<b | **0.5** *[0.1, 0.9]* |" in text
    assert "| c\\|d | 0.4 |" in text
    assert "<title>T &amp; 1</title>" in html
    assert "<h1>T_1</h1>" in html
    assert "<td>a&lt;b</td>" in html
    assert "<td>c|d</td>" in html
    assert "<strong>0.5</strong> <em>[0.1, 0.9]</em>" in html
    assert "x &amp; &lt;i&gt;y" in html


def test_a_page_holds_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_bytes(b"<svg/>")
    page = write_pages(["![a](a.svg)"], tmp_path, "r", "t")
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in page.read_text()
