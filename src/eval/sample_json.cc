#include "eval/sample_json.h"

namespace tome::eval {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json to_json(const EvalSample& sample) {
  ordered_json object = {{"id", sample.id},
                         {"task", sample.task},
                         {"length", sample.length},
                         {"depth", sample.depth},
                         {"document", sample.document},
                         {"question", sample.question},
                         {"answer_prefix", sample.answer_prefix},
                         {"answers", sample.answers},
                         {"answer_tokens", sample.answer_tokens},
                         {"one_line", sample.one_line}};
  ordered_json shots = ordered_json::array();
  for (const Shot& shot : sample.shots) shots.push_back({{"question", shot.question}, {"answer", shot.answer}});
  object["shots"] = std::move(shots);
  object["details"] = sample.details;
  return object;
}

EvalSample sample_from_json(const json& object) {
  EvalSample sample;
  object.at("id").get_to(sample.id);
  object.at("task").get_to(sample.task);
  object.at("length").get_to(sample.length);
  object.at("depth").get_to(sample.depth);
  object.at("document").get_to(sample.document);
  object.at("question").get_to(sample.question);
  object.at("answer_prefix").get_to(sample.answer_prefix);
  object.at("answers").get_to(sample.answers);
  object.at("answer_tokens").get_to(sample.answer_tokens);
  object.at("one_line").get_to(sample.one_line);
  for (const json& shot : object.at("shots")) {
    sample.shots.push_back({shot.at("question").get<std::string>(), shot.at("answer").get<std::string>()});
  }
  sample.details = object.at("details");
  return sample;
}

ordered_json to_json(const std::string& id, const EvalAnswer& answer) {
  return {{"id", id},
          {"text", answer.text},
          {"finish_reason", answer.finish_reason},
          {"error", answer.error},
          {"prompt_tokens", answer.prompt_tokens},
          {"answer_tokens", answer.answer_tokens},
          {"cut_tokens", answer.cut_tokens},
          {"seconds", answer.seconds},
          {"cost", answer.cost}};
}

EvalAnswer answer_from_json(const json& object) {
  EvalAnswer answer;
  object.at("text").get_to(answer.text);
  object.at("finish_reason").get_to(answer.finish_reason);
  object.at("error").get_to(answer.error);
  object.at("prompt_tokens").get_to(answer.prompt_tokens);
  object.at("answer_tokens").get_to(answer.answer_tokens);
  object.at("cut_tokens").get_to(answer.cut_tokens);
  object.at("seconds").get_to(answer.seconds);
  object.at("cost").get_to(answer.cost);
  return answer;
}

std::string json_line(const ordered_json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace tome::eval
