// The files that say how an EPUB is put together: https://www.w3.org/TR/epub-33/ and, for toc.ncx, OPF 2.0.1.
// They are read tag by tag with the XHTML lexer: no entity is ever defined or expanded, and nesting costs nothing.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tome {

struct EpubPackage {
  std::vector<std::string> chapters;  // paths in reading order, each once; those marked linear="no" left out
  std::string navigation;             // path of the EPUB 3 table of contents; empty: none
  std::string ncx;                    // path of the EPUB 2 table of contents; empty: none
  std::size_t pictures = 0;           // chapters that are pictures
};

/// An entry of the table of contents.
struct EpubContent {
  std::string path;
  std::string fragment;  // id of an element in it; empty: its beginning
  std::string title;
};

/// `href` as written in the file `base`, as a path inside the book. Empty: it leads outside.
std::string resolve_href(std::string_view base, std::string_view href);

/// META-INF/container.xml: the path of the package document; empty: none.
std::string parse_container(std::string_view xml);

/// META-INF/encryption.xml: the paths that are encrypted; often only fonts.
std::set<std::string> parse_encryption(std::string_view xml);

EpubPackage parse_package(std::string_view xml, const std::string& path);

std::vector<EpubContent> parse_navigation(std::string_view xhtml, const std::string& path);
std::vector<EpubContent> parse_ncx(std::string_view xml, const std::string& path);

}  // namespace tome
