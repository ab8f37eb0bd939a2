// tome text FILE...: exactly what the model will read.
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/output.h"
#include "text/document.h"

namespace tome::cli {
namespace {

struct Flags {
  std::vector<std::string> files;
  OutFlags out;
  bool quiet = false;
};

void run(const Flags& flags) {
  const Document document = read_documents({flags.files.begin(), flags.files.end()});
  if (!flags.quiet) print_notes(document);
  Output output(flags.out);
  output.write(document.text);
  output.finish();
}

}  // namespace

void add_text(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("text", "print exactly what the model will read");
  command->footer(
      "examples:\n  tome text book.epub | less\n  tome text report.pdf -o report.txt\n  tome text notes/ | wc -w");
  command->add_option("FILE", flags->files, "documents (txt, md, html, epub, pdf), folders, - for stdin")->required();
  flags->out.add_to(*command);
  command->add_flag("-q,--quiet", flags->quiet, "no notes on stderr");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
