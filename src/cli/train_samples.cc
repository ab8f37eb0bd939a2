#include "cli/train_samples.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/resources.h"
#include "read/session.h"

namespace tome::cli {
namespace {

constexpr std::int64_t kMostTokens = 32;
// A step is finished before a run stops, and so are its samples.
const std::atomic<bool> kNever{false};

std::string without_outer_space(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

void read_document(Session& session, const std::vector<TokenId>& ids, const std::filesystem::path& folder) {
  ReadingInput input;
  input.tokens = ids;
  input.offsets.resize(ids.size() + 1);  // of the text, for citations: nobody asks for them here
  try {
    session.read(
        input, [](const ReadingProgress&) { sample_private_peak(); }, kNever);
  } catch (const UserError& error) {  // its way out is that of kept readings
    const std::string reason = error.what();
    throw_user_error("--samples: ", reason.substr(0, reason.find(';')), "; make room in ", folder.string(),
                     " or give --samples 0, and the run goes on from the last checkpoint");
  }
}

}  // namespace

AnswerSample answer_samples(const OpenModel& open, const Adapter& adapter, const Layout& layout, Threads& threads,
                            const TrainerOptions& run) {
  SessionOptions options;
  options.keep = false;
  options.store = run.out;
  options.chunk_rows = run.pass.chunk_rows;
  options.adapters = adapter.layers();
  const Model& model = *open.model;
  const Tokenizer& tokenizer = *open.tokenizer;
  return [&model, &tokenizer, &layout, &threads, options](const Sample& sample) {
    Session session(model, tokenizer.fingerprint(), threads, options);
    read_document(session, sample.document, options.store);
    const auto taken = static_cast<std::int64_t>(sample.document.size() + sample.prompt.size());
    const std::int64_t most = std::min(kMostTokens, model.config().context_length - taken);
    const Answer answer = session.ask(sample.prompt, tokenizer, layout.stops, SamplerOptions(), most, nullptr, kNever);
    return without_outer_space(answer.text);
  };
}

}  // namespace tome::cli
