// EPUBs for tests, made in memory.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tome {

using ZipFiles = std::vector<std::pair<std::string, std::string>>;

inline std::string make_zip(const ZipFiles& files, const char* options = "zip:compression=deflate") {
  std::size_t room = 1 << 16, used = 0;
  for (const auto& [name, bytes] : files) room += bytes.size() + 4096;
  std::string out(room, '\0');
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  TOME_CHECK(archive_write_set_options(writer, options) == ARCHIVE_OK, archive_error_string(writer));
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, bytes] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

inline std::string page(const std::string& body) {
  return "<?xml version='1.0' encoding='utf-8'?>\n<html "
         "xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body>" +
         body + "</body></html>";
}

/// The files of a book whose package document OEBPS/book.opf has the given manifest and spine.
inline ZipFiles epub_files(const std::string& manifest, const std::string& spine, const ZipFiles& files) {
  ZipFiles all = {
      {"mimetype", "application/epub+zip"},
      {"META-INF/container.xml",
       "<?xml version='1.0'?><container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles><rootfile "
       "full-path='OEBPS/book.opf' media-type='application/oebps-package+xml'/></rootfiles></container>"},
      {"OEBPS/book.opf", "<?xml version='1.0'?><package xmlns='http://www.idpf.org/2007/opf'><metadata/><manifest>" +
                             manifest + "</manifest><spine toc='ncx'>" + spine + "</spine></package>"}};
  for (const auto& [name, bytes] : files) all.emplace_back("OEBPS/" + name, bytes);
  return all;
}

inline std::string item(const std::string& id, const std::string& href, const std::string& more = {},
                        const std::string& type = "application/xhtml+xml") {
  return "<item id='" + id + "' href='" + href + "' media-type='" + type + "' " + more + "/>";
}

inline std::string itemref(const std::string& id, const std::string& more = {}) {
  return "<itemref idref='" + id + "' " + more + "/>";
}

inline std::string nav(const std::vector<std::pair<std::string, std::string>>& links) {
  std::string out = "<nav epub:type='toc'><h1>Contents</h1><ol>";
  for (const auto& [href, title] : links) out += "<li><a href='" + href + "'>" + title + "</a></li>";
  return page(out + "</ol></nav><nav epub:type='page-list'><a href='a.xhtml'>Page 1</a></nav>");
}

}  // namespace tome
