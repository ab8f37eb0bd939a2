#include "cli/train_samples.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "read/session.h"

namespace tome::cli {
namespace {

constexpr std::int64_t kMostTokens = 32;

std::string without_outer_space(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

}  // namespace

AnswerSample answer_samples(const OpenModel& open, const Adapter& adapter, const Layout& layout, Threads& threads,
                            const std::filesystem::path& folder) {
  SessionOptions options;
  options.keep = false;
  options.store = folder;
  options.adapters = adapter.layers();
  const Model& model = *open.model;
  const Tokenizer& tokenizer = *open.tokenizer;
  return [&model, &tokenizer, &layout, &threads, options](const Sample& sample) {
    // A step is finished before a run stops, and so are its samples.
    static const std::atomic<bool> never{false};
    Session session(model, tokenizer.fingerprint(), threads, options);
    ReadingInput input;
    input.tokens = sample.document;
    input.offsets.resize(input.tokens.size() + 1);  // of the text, for citations: nobody asks for them here
    session.read(input, nullptr, never);
    const auto taken = static_cast<std::int64_t>(sample.document.size() + sample.prompt.size());
    const std::int64_t most = std::min(kMostTokens, model.config().context_length - taken);
    const Answer answer = session.ask(sample.prompt, tokenizer, layout.stops, SamplerOptions(), most, nullptr, never);
    return without_outer_space(answer.text);
  };
}

}  // namespace tome::cli
