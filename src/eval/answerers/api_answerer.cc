#include "eval/answerers/api_answerer.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace tome::eval {
namespace {

constexpr int kMostConcurrency = 256;

ApiOptions checked(ApiOptions options) {
  if (options.prompt.model.empty()) throw_user_error("--api: needs the model's name; give --api-model NAME");
  if (options.concurrency < 1 || options.concurrency > kMostConcurrency) {
    throw_user_error("--concurrency ", options.concurrency, ": expected 1 to ", kMostConcurrency);
  }
  if (!(options.cost_limit >= 0)) throw_user_error("--cost-limit ", options.cost_limit, ": expected dollars");
  if (options.cost_limit > 0 && !options.price) throw_user_error("--cost-limit: needs the prices; give --prices FILE");
  if (options.connection.url.empty()) options.connection.url = default_url(options.kind);
  return options;
}

}  // namespace

/// One call of answer(): its threads, and what they share.
class ApiAnswerer::Run {
 public:
  Run(ApiAnswerer& owner, const EvalSet& set, std::span<const std::size_t> wanted,
      const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
      const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop)
      : options_(owner.options_),
        client_(owner.client_),
        set_(set),
        wanted_(wanted),
        on_answer_(on_answer),
        progress_(progress),
        stop_{[&stop] { return stop.load(); }, [this] { return ended_.load(); }},
        spent_(options_.spent ? options_.spent() : 0) {
    ended_ = over_limit();
  }

  void go() {
    std::vector<std::thread> team;
    const std::size_t count = std::min(static_cast<std::size_t>(options_.concurrency), wanted_.size());
    for (std::size_t i = 0; i < count; ++i) team.emplace_back([this] { work(); });
    for (std::thread& thread : team) thread.join();
    if (error_) std::rethrow_exception(error_);
    if (over_limit() && done_ < wanted_.size()) {
      throw_user_error("the answers have cost ", spent_, " dollars, --cost-limit is ", options_.cost_limit, "; ", done_,
                       " of ", wanted_.size(), " are kept, a higher limit goes on from there");
    }
  }

 private:
  void work() {
    try {
      while (!stop_.now() && !ended_) {
        const std::size_t next = next_++;
        if (next >= wanted_.size()) return;
        answer_one(wanted_[next]);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      ended_ = true;
    }
  }

  void answer_one(std::size_t i) {
    const EvalSample& sample = set_.samples.at(i);
    EvalAnswer answer;
    const ApiReply reply = client_.post(
        answer_request(options_.kind, client_.endpoint(), options_.prompt, set_, sample), sample.id,
        [&](std::string_view body) { answer = parse_answer(options_.kind, body); }, stop_);
    if (reply.stopped) return;
    answer.text = client_.key().removed_from(std::move(answer.text));
    answer.error = reply.error;
    answer.seconds = reply.seconds;
    if (options_.price) answer.cost = options_.price->of(answer.prompt_tokens, answer.answer_tokens);
    hand_over(i, answer);
  }

  void hand_over(std::size_t i, const EvalAnswer& answer) {
    const std::lock_guard lock(mutex_);
    on_answer_(i, answer);
    ++done_;
    spent_ += answer.cost;
    if (progress_) progress_({done_, wanted_.size(), 0, 0});
    if (over_limit()) ended_ = true;
    if (options_.cost_limit > 0 && answer.error.empty() && answer.prompt_tokens == 0) {
      throw_user_error(client_.endpoint().text(),
                       ": states no usage, so that --cost-limit cannot be kept; leave it out");
    }
  }

  bool over_limit() const { return options_.cost_limit > 0 && spent_ >= options_.cost_limit; }

  const ApiOptions& options_;
  ApiClient& client_;
  const EvalSet& set_;
  const std::span<const std::size_t> wanted_;
  const std::function<void(std::size_t, const EvalAnswer&)>& on_answer_;
  const std::function<void(const AnswerProgress&)>& progress_;
  const ApiStop stop_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> ended_{false};
  std::mutex mutex_;  // of what follows
  std::size_t done_ = 0;
  double spent_;
  std::exception_ptr error_;
};

ApiAnswerer::ApiAnswerer(ApiOptions options)
    : options_(checked(std::move(options))),
      client_(options_.connection, options_.kind, answer_endpoint(options_.kind, options_.connection.url)) {}

void ApiAnswerer::answer(const EvalSet& set, std::span<const std::size_t> wanted,
                         const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
                         const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop) {
  Run(*this, set, wanted, on_answer, progress, stop).go();
}

nlohmann::json ApiAnswerer::description() const {
  const ApiPrompt& prompt = options_.prompt;
  nlohmann::json result = {{"name", prompt.model},
                           {"answerer", "api"},
                           {"api", name_of(options_.kind)},
                           {"url", client_.endpoint().text()},
                           {"model", prompt.model},
                           {"temperature", nullptr},
                           {"min_answer_tokens", prompt.min_answer_tokens}};
  if (prompt.temperature) result["temperature"] = *prompt.temperature;
  if (prompt.layout != nullptr) result["layout"] = prompt.layout->name;
  if (options_.kind == ApiKind::kAnthropic) result["prefill"] = prompt.prefill;
  return result;
}

}  // namespace tome::eval
