#!/usr/bin/env python3
"""Makes what the document tests and the HTML reader take from elsewhere.

    make_documents.py entities > src/text/html_entity_table.cc    the named character references of HTML 5
    make_documents.py pdf FOLDER                                  password.pdf (needs reportlab==5.1.0)
    make_documents.py corpus fuzz/corpus                          first inputs of the fuzz targets html and epub
"""
import html.entities
import io
import pathlib
import sys
import zipfile


def c_string(text):
    """A C string literal of the UTF-8 of text; octal escapes of three digits end before any digit that follows."""
    out = ""
    for byte in text.encode():
        plain = 0x20 <= byte < 0x7F and chr(byte) not in '"\\'
        out += chr(byte) if plain else f"\\{byte:03o}"
    return f'"{out}"'


def entities():
    print("// Made by tests/golden/make_documents.py from Python's html.entities.html5.")
    print('#include "text/html_entities.h"\n\n#include <array>\n\nnamespace tome {\nnamespace {\n')
    print("// clang-format off")
    names = sorted(html.entities.html5, key=str.encode)
    print(f"constexpr std::array<HtmlEntity, {len(names)}> kEntities = {{{{")
    line = ""
    for name in names:
        entry = "{" + c_string(name) + ", " + c_string(html.entities.html5[name]) + "}, "
        if len(line) + len(entry) > 119:
            print(line.rstrip())
            line = ""
        line += entry
    print(line.rstrip(", ") + "}};")
    print("// clang-format on\n\n}  // namespace\n")
    print("std::span<const HtmlEntity> html_entities() { return kEntities; }\n\n}  // namespace tome")


def pdf(folder):
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(f"{folder}/password.pdf", encrypt=StandardEncryption("secret", "owner", strength=128), invariant=1)
    canvas.drawString(72, 700, "Nobody should read this.")
    canvas.save()


# The first byte chooses: odd XHTML, even HTML.
HTML = {
    "page": b"0<!DOCTYPE html><title>T</title><h1>One</h1><p>a <b>b</b>&nbsp;&eacute;&#8212;<br>c<hr><q>d</q><img alt=e>",
    "lists": b"0<ul><li>a<ol start=3 type=i><li value=9>b</ol></ul><dl><dt>c<dd>d</dl><ruby>e<rt>f</ruby>2<sup>8</sup>",
    "tables": b"0<table><caption>a</caption><tr><th>b<td>c<tr><td><p>d<p>e<table><td>f</table></table>",
    "hidden": b"0<p hidden>a<p style='display:none'>b<span hidden>c</span><script>d</script><svg><title/></svg><!-- e -->",
    "pre": b"0<pre>\n a\tb\n\n</pre><textarea></p></textarea><plaintext></x>",
    "broken": b"0</p></table><h1>a<p>b</h2><li></td><td <b =c d='e><![CDATA[f]]><!-->-<!---->--!>&#xD800;&#0;&notit;&",
    "xhtml": b"1<?xml version='1.0' encoding='latin1'?><!DOCTYPE html [<!ENTITY a 'b'>]><html:p/>\xe9<![CDATA[<c>]]>&a;<p/>",
    "utf16": b"0" + "\ufeff<p>a\u00e9\U0001f600".encode("utf-16-le"),
    "deep": b"0" + b"<div><table><tr><td><ul><li>" * 100 + b"a",
}

CONTAINER = "<container><rootfiles><rootfile full-path='O/b.opf'/></rootfiles></container>"
PACKAGE = """<package><manifest><item id='a' href='a%20b.xhtml' media-type='application/xhtml+xml'/>
<item id='n' href='n.xhtml' properties='nav' media-type='application/xhtml+xml'/><item id='s' href='../../s.svg'
media-type='image/svg+xml' fallback='s'/><item id='t' href='t.ncx' media-type='application/x-dtbncx+xml'/></manifest>
<spine toc='t'><itemref idref='a'/><itemref idref='s'/><itemref idref='a' linear='no'/></spine></package>"""
NAVIGATION = "<nav epub:type='toc'><ol><li><a href='a%20b.xhtml#x'>Two</a></li></ol></nav>"
NCX = "<ncx><navMap><navPoint><navLabel><text>1</text></navLabel><content src='a%20b.xhtml'/></navPoint></navMap></ncx>"
ENCRYPTION = """<encryption><EncryptedData><EncryptionMethod Algorithm='x'/><CipherData><CipherReference URI='O/a%20b.xhtml'/>
</CipherData></EncryptedData></encryption>"""
BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "O/b.opf": PACKAGE,
    "O/n.xhtml": NAVIGATION,
    "O/t.ncx": NCX,
    "O/a b.xhtml": "<html><head><title/></head><body><h1>One</h1><p id='x'>text &amp; <b>more</b></p></body></html>",
}


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, method)
    return out.getvalue()


def epubs():
    whole = zipped(BOOK)
    yield "book", whole
    yield "stored", zipped(BOOK, zipfile.ZIP_STORED)
    yield "cut", whole[: len(whole) // 2]
    yield "no-directory", whole[: whole.index(b"PK\x01\x02")]
    yield "overlapping", whole.replace(b"PK\x01\x02", b"PK\x01\x02" + bytes(4), 1)
    yield "protected", zipped(BOOK | {"META-INF/encryption.xml": ENCRYPTION})
    yield "bomb", zipped(BOOK | {"O/a b.xhtml": "a" * 1_000_000})
    yield "odd-compression", zipped(BOOK, zipfile.ZIP_LZMA)
    for name, text in [("container", CONTAINER), ("package", PACKAGE), ("navigation", NAVIGATION), ("ncx", NCX)]:
        yield name, text.encode()


def corpus(folder):
    for target, inputs in [("html", HTML.items()), ("epub", epubs())]:
        path = pathlib.Path(folder) / target
        path.mkdir(parents=True, exist_ok=True)
        for name, data in inputs:
            (path / name).write_bytes(data)


if __name__ == "__main__":
    if sys.argv[1:] == ["entities"]:
        entities()
    elif len(sys.argv) == 3 and sys.argv[1] == "pdf":
        pdf(sys.argv[2])
    elif len(sys.argv) == 3 and sys.argv[1] == "corpus":
        corpus(sys.argv[2])
    else:
        sys.exit(__doc__)
