#!/usr/bin/env python3
"""Makes what the document tests and the HTML reader take from elsewhere.

    make_documents.py entities > src/text/html_entity_table.cc    the named character references of HTML 5
    make_documents.py pdf FOLDER                                  password.pdf (needs reportlab==5.1.0)
"""
import html.entities
import sys


def c_string(text):
    """A C string literal of the UTF-8 of text; a hexadecimal escape must not run into a digit behind it."""
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


if __name__ == "__main__":
    if sys.argv[1:] == ["entities"]:
        entities()
    elif len(sys.argv) == 3 and sys.argv[1] == "pdf":
        pdf(sys.argv[2])
    else:
        sys.exit(__doc__)
