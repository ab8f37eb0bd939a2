// tome tokenize FILE: a file's own bytes as a model's tokens.
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/output.h"
#include "text/document_source.h"

namespace tome::cli {
namespace {

struct Flags {
  std::string file, model = "gemma";
  OutFlags out;
  bool ids = false, count = false, json = false;
};

// The bytes as they are, byte order mark and line ends too: this shows what the tokenizer does, not what `ask` reads.
std::string read_bytes(const std::string& file) {
  std::string bytes;
  if (file == "-") {
    bytes.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    const MappedFile mapped(file);
    bytes.assign(reinterpret_cast<const char*>(mapped.bytes().data()),
                 std::min(mapped.bytes().size(), kMaxDocumentBytes + 1));
  }
  if (bytes.size() > kMaxDocumentBytes) {
    throw_user_error(file, ": more than ", kMaxDocumentBytes >> 20, " MiB; split it into parts");
  }
  return bytes;
}

// One line whatever the piece holds: as JSON writes it, bytes that are no whole character as \xNN.
std::string shown(std::string_view piece) {
  using nlohmann::json;
  try {
    return json(piece).dump();
  } catch (const json::exception&) {
    std::string text = "\"";
    for (const char c : piece) {
      constexpr const char* kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return text + '"';
  }
}

std::string list_ids(const std::vector<TokenId>& ids) {
  std::string text;
  for (const TokenId id : ids) text += std::to_string(id) += '\n';
  return text;
}

std::string list_pieces(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string text;
  for (const TokenId id : ids) text += cat(id, '\t', shown(tokenizer.bytes(id)), '\n');
  return text;
}

void run(const Flags& flags) {
  const OpenTokenizer open = open_tokenizer(find_model(flags.model));
  const std::vector<TokenId> ids = open.tokenizer->encode(read_bytes(flags.file)).ids;
  Output output(flags.out);
  if (flags.json) {
    nlohmann::json object = {{"schema_version", 1}, {"model", flags.model}, {"tokens", ids.size()}};
    if (!flags.count) object["ids"] = ids;
    output.write(object.dump() + '\n');
  } else if (flags.count) {
    output.write(cat(ids.size(), '\n'));
  } else {
    output.write(flags.ids ? list_ids(ids) : list_pieces(*open.tokenizer, ids));
  }
  output.finish();
}

}  // namespace

void add_tokenize(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("tokenize", "a file's own bytes as tokens: id and piece a line");
  command->footer(
      "examples:\n  tome tokenize notes.txt --count\n  tome tokenize notes.txt --ids -m smollm2\n"
      "  tome text book.epub | tome tokenize - --count     how long the book is for the model\n\n"
      "No BOS is added; byte order mark and line ends stay as they are (tome text shows what tome ask reads).");
  command->add_option("FILE", flags->file, "a file, or - for stdin")->required();
  command
      ->add_option("-m,--model", flags->model, "a name, a .gguf file, a folder with tokenizer.json, or a tiktoken file")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  CLI::Option* ids = command->add_flag("--ids", flags->ids, "only ids, separated by line ends");
  command->add_flag("--count", flags->count, "only how many")->excludes(ids);
  command->add_flag("--json", flags->json, "one JSON object on stdout");
  flags->out.add_to(*command);
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
