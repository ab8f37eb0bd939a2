#include "eval/answerers/api_answerer.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/api_server.h"

namespace tome::eval {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "sk-very-secret-0123456789";

EvalSet samples(std::size_t count) {
  EvalSet set;
  set.documents.push_back({"A story.\n", 0});
  for (std::size_t i = 0; i < count; ++i) {
    EvalSample sample;
    sample.id = cat("lines/4096 ", i);
    sample.question = cat("Question ", i, "?");
    sample.answers = {"x"};
    set.samples.push_back(sample);
  }
  return set;
}

std::string good_body(const std::string& text = "The ferryman", int prompt_tokens = 1000, int answer_tokens = 100) {
  return json({{"choices", {{{"message", {{"content", text}}}, {"finish_reason", "stop"}}}},
               {"usage", {{"prompt_tokens", prompt_tokens}, {"completion_tokens", answer_tokens}}}})
      .dump();
}

void good(httplib::Response& response) { response.set_content(good_body(), "application/json"); }

ApiOptions options_for(const std::string& url) {
  ApiOptions options;
  options.connection.url = url;
  options.connection.first_wait_seconds = 0.02;
  options.connection.longest_wait_seconds = 5;
  options.connection.retries = 3;
  options.connection.timeout_seconds = 10;
  options.prompt.model = "m";
  return options;
}

/// What a run gave.
struct Outcome {
  std::map<std::size_t, EvalAnswer> answers;
  std::string error;  // of the run
  double seconds = 0;

  const EvalAnswer& only() const { return answers.at(0); }
};

Outcome run(const ApiOptions& options, std::size_t count = 1, double stop_after = 1e9) {
  const EvalSet set = samples(count);
  std::vector<std::size_t> wanted(count);
  for (std::size_t i = 0; i < count; ++i) wanted[i] = i;
  Outcome outcome;
  std::atomic<bool> stop{false}, over{false};
  const Stopwatch watch;
  std::thread stopper([&] {
    while (!over && watch.seconds() < stop_after) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop = true;
  });
  std::atomic<int> inside{0};
  outcome.error = user_error_of([&] {
    ApiAnswerer(options).answer(
        set, wanted,
        [&](std::size_t i, const EvalAnswer& answer) {
          EXPECT_EQ(++inside, 1);
          EXPECT_TRUE(outcome.answers.emplace(i, answer).second);
          --inside;
        },
        {}, stop);
  });
  outcome.seconds = watch.seconds();
  over = true;
  stopper.join();
  return outcome;
}

class ApiAnswererTest : public testing::Test {
 protected:
  WithVariable key_{"OPENAI_API_KEY", kKey};
  TestFolder folder_;
};

TEST_F(ApiAnswererTest, Answers) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) { good(response); });
  ApiOptions options = options_for(server.url());
  options.price = Price{2, 10};
  const Outcome outcome = run(options, 3);
  EXPECT_EQ(outcome.error, "");
  ASSERT_EQ(outcome.answers.size(), 3u);
  EXPECT_EQ(outcome.only().text, "The ferryman");
  EXPECT_EQ(outcome.only().prompt_tokens, 1000);
  EXPECT_DOUBLE_EQ(outcome.only().cost, 0.003);
  EXPECT_GT(outcome.only().seconds, 0);
  ASSERT_EQ(server.calls().size(), 3u);
  EXPECT_EQ(server.calls()[0].path, "/v1/chat/completions");
  EXPECT_EQ(server.calls()[0].header("Authorization"), cat("Bearer ", kKey));
  EXPECT_EQ(server.calls()[2].json()["messages"][0]["content"], "A story.\nQuestion 2?");
}

TEST_F(ApiAnswererTest, AnthropicHasHeadersOfItsOwn) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) {
    response.set_content(R"({"content":[{"type":"text","text":"42"}],"stop_reason":"end_turn"})", "application/json");
  });
  const WithVariable own("MY_KEY", kKey);
  ApiOptions options = options_for(server.url());
  options.kind = ApiKind::kAnthropic;
  options.connection.key_variable = "MY_KEY";
  EXPECT_EQ(run(options).only().text, "42");
  EXPECT_EQ(server.calls()[0].path, "/v1/messages");
  EXPECT_EQ(server.calls()[0].header("x-api-key"), kKey);
  EXPECT_EQ(server.calls()[0].header("anthropic-version"), "2023-06-01");
  EXPECT_EQ(server.calls()[0].header("Authorization"), "");
}

TEST_F(ApiAnswererTest, RetriesAndKeepsEveryResponse) {
  ApiServer server([](std::size_t call, const httplib::Request&, httplib::Response& response) {
    if (call == 0) response.status = 500;
    if (call == 1) response.set_content("{\"choices\":", "application/json");
    if (call >= 2) good(response);
  });
  ApiOptions options = options_for(server.url());
  options.connection.raw_folder = folder_.path() / "raw";
  EXPECT_EQ(run(options).only().text, "The ferryman");
  EXPECT_EQ(server.calls().size(), 3u);
  const auto files = folder_.files();
  ASSERT_EQ(files.size(), 3u);
  const json first = json::parse(files.at("lines%2F4096%200.json"));
  EXPECT_EQ(first.at("status"), 500);
  EXPECT_EQ(first.at("id"), "lines/4096 0");
  EXPECT_EQ(json::parse(files.at("lines%2F4096%200.2.json")).at("body"), "{\"choices\":");
  const json last = json::parse(files.at("lines%2F4096%200.3.json"));
  EXPECT_EQ(last.at("attempt"), 3);
  EXPECT_EQ(last.at("body"), good_body());
  EXPECT_EQ(last.at("headers").at("content-type"), "application/json");
}

TEST_F(ApiAnswererTest, RetryAfterIsWaitedForAndCapped) {
  ApiServer server([](std::size_t call, const httplib::Request&, httplib::Response& response) {
    if (call > 0) return good(response);
    response.status = 429;
    response.set_header("Retry-After", "1");
  });
  const Outcome outcome = run(options_for(server.url()));
  EXPECT_EQ(outcome.only().error, "");
  EXPECT_GE(outcome.seconds, 1);
  EXPECT_LT(outcome.seconds, 3);
  ApiServer slow([](std::size_t call, const httplib::Request&, httplib::Response& response) {
    if (call > 0) return good(response);
    response.status = 503;
    response.set_header("Retry-After", "86400");
  });
  ApiOptions options = options_for(slow.url());
  options.connection.longest_wait_seconds = 0.3;
  EXPECT_LT(run(options).seconds, 3);
}

TEST_F(ApiAnswererTest, GivesUpAfterItsRetries) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) {
    response.status = 529;
    response.set_content(R"({"error":{"message":"overloaded"}})", "application/json");
  });
  const Outcome outcome = run(options_for(server.url()), 2);
  EXPECT_EQ(outcome.error, "");
  ASSERT_EQ(outcome.answers.size(), 2u);
  EXPECT_EQ(outcome.only().error, "529: overloaded (4 attempts)");
  EXPECT_EQ(outcome.only().text, "");
  EXPECT_EQ(server.calls().size(), 8u);
}

TEST_F(ApiAnswererTest, HalfABodyAndASlowStreamAreTriedAgain) {
  std::atomic<int> calls{0};
  SocketServer server([&](int socket, const std::atomic<bool>& over) {
    const int call = calls++;
    if (call == 0) SocketServer::write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"ch");
    if (call == 1) {
      SocketServer::write(socket, "HTTP/1.1 200 OK\r\n\r\n");
      while (!over && SocketServer::write(socket, " ")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (call == 2) SocketServer::write(socket, "HTTP/1.1 200 OK\r\n\r\n" + good_body());
  });
  ApiOptions options = options_for(server.url());
  options.connection.timeout_seconds = 0.5;
  const Outcome outcome = run(options);
  EXPECT_EQ(outcome.only().text, "The ferryman") << outcome.only().error;
  EXPECT_EQ(calls, 3);
  EXPECT_GT(outcome.seconds, 0.5);
  EXPECT_LT(outcome.seconds, 2);
}

TEST_F(ApiAnswererTest, AHugeBodyIsAnError) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) {
    response.set_content(good_body(std::string(10000, 'x')), "application/json");
  });
  ApiOptions options = options_for(server.url());
  options.connection.largest_response = 5000;
  EXPECT_THAT(run(options).only().error, HasSubstr("more than 5000 bytes"));
  EXPECT_EQ(server.calls().size(), 1u);
}

TEST_F(ApiAnswererTest, OtherErrorsAreOfTheirSample) {
  ApiServer server([](std::size_t call, const httplib::Request&, httplib::Response& response) {
    if (call == 1) return good(response);
    response.status = 400;
    response.set_content(R"({"error":{"message":"too many","code":"context_length_exceeded"}})", "application/json");
  });
  const Outcome outcome = run(options_for(server.url()), 2);
  EXPECT_EQ(outcome.only().error, "too long for the model: 400: too many");
  EXPECT_EQ(outcome.answers.at(1).error, "");
  EXPECT_EQ(server.calls().size(), 2u);
}

TEST_F(ApiAnswererTest, WhatNoSampleCanSurviveEndsTheRun) {
  const std::pair<int, const char*> cases[] = {{401, "set OPENAI_API_KEY"},
                                               {403, "set OPENAI_API_KEY"},
                                               {402, "no credit"},
                                               {404, "--api-model"},
                                               {307, "redirects"}};
  for (const auto& [status, words] : cases) {
    ApiServer server([status = status](std::size_t, const httplib::Request&, httplib::Response& response) {
      response.status = status;
      response.set_header("Location", "https://elsewhere.example.org/");
    });
    const Outcome outcome = run(options_for(server.url()), 5);
    EXPECT_THAT(outcome.error, HasSubstr(words));
    EXPECT_TRUE(outcome.answers.empty());
    EXPECT_EQ(server.calls().size(), 1u);
  }
}

TEST_F(ApiAnswererTest, NoServerEndsTheRun) {
  std::string url;
  {
    const SocketServer server([](int, const std::atomic<bool>&) {});
    url = server.url();
  }
  const Outcome outcome = run(options_for(url), 5);
  EXPECT_THAT(outcome.error, HasSubstr("no connection in 4 attempts"));
  EXPECT_TRUE(outcome.answers.empty());
}

TEST_F(ApiAnswererTest, TheKeyAppearsNowhere) {
  // A server that repeats the key wherever it can.
  const auto repeat = [](int status) {
    return [status](std::size_t call, const httplib::Request& request, httplib::Response& response) {
      const std::string said = request.get_header_value("Authorization");
      response.status = call == 0 ? 500 : status;
      response.set_header("X-Request-Id", said);
      response.set_header("Location", "/" + said);
      response.set_content(status == 200 && call > 0 ? good_body(said) : json({{"error", {{"message", said}}}}).dump(),
                           "application/json");
    };
  };
  for (const int status : {200, 400, 401, 302}) {
    ApiServer server(repeat(status));
    ApiOptions options = options_for(server.url());
    options.connection.raw_folder = folder_.path() / "raw";
    const Outcome outcome = run(options);
    EXPECT_THAT(outcome.error, Not(HasSubstr(kKey)));
    if (!outcome.answers.empty()) {
      EXPECT_THAT(outcome.only().text + outcome.only().error, HasSubstr("Bearer [key]"));
      EXPECT_THAT(outcome.only().text + outcome.only().error, Not(HasSubstr(kKey)));
    }
    EXPECT_THAT(ApiAnswerer(options).description().dump(), Not(HasSubstr(kKey)));
    EXPECT_EQ(server.calls().back().header("Authorization"), cat("Bearer ", kKey));
  }
  const auto files = folder_.files();
  EXPECT_EQ(files.size(), 8u);
  for (const auto& [name, content] : files) {
    EXPECT_THAT(name, Not(HasSubstr(kKey)));
    EXPECT_THAT(content, Not(HasSubstr(kKey)));
  }
}

TEST_F(ApiAnswererTest, KeysThatCannotBe) {
  ApiOptions options = options_for("https://api.example.org");
  const WithVariable broken("OPENAI_API_KEY", "sk-secret\r\nX-Other: 1");
  const std::string error = user_error_of([&] { ApiAnswerer answerer(options); });
  EXPECT_THAT(error, HasSubstr("OPENAI_API_KEY"));
  EXPECT_THAT(error, Not(HasSubstr("sk-secret")));
  const WithVariable none("ANTHROPIC_API_KEY", nullptr);
  options.kind = ApiKind::kAnthropic;
  EXPECT_THAT(user_error_of([&] { ApiAnswerer answerer(options); }), HasSubstr("set ANTHROPIC_API_KEY"));
  options.connection.key_variable = "NO_SUCH_VARIABLE_HERE";
  EXPECT_THAT(user_error_of([&] { ApiAnswerer answerer(options); }), HasSubstr("NO_SUCH_VARIABLE_HERE is not set"));
}

TEST_F(ApiAnswererTest, AKeyMadeForAnotherServiceIsNotSentInTheClear) {
  const auto sent = [](const char* url, const char* variable) {
    return ApiKey(ApiKind::kOpenai, variable, parse_http_url(url)).headers().size();
  };
  EXPECT_EQ(sent("http://gpu.example.org/v1", ""), 0u);
  EXPECT_EQ(sent("http://gpu.example.org/v1", "OPENAI_API_KEY"), 1u);
  EXPECT_EQ(sent("http://127.0.0.1:8080", ""), 1u);
  EXPECT_EQ(sent("https://gpu.example.org/v1", ""), 1u);
}

TEST_F(ApiAnswererTest, RequestsOverlap) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    good(response);
  });
  ApiOptions options = options_for(server.url());
  options.concurrency = 4;
  const Outcome outcome = run(options, 8);
  EXPECT_EQ(outcome.answers.size(), 8u);
  EXPECT_EQ(server.most_under_way(), 4);
  EXPECT_LT(outcome.seconds, 8 * 0.3);
}

TEST_F(ApiAnswererTest, RateLimitHoldsForAllThreads) {
  ApiServer server([](std::size_t call, const httplib::Request&, httplib::Response& response) {
    call == 0 ? void(response.status = 500) : good(response);
  });
  ApiOptions options = options_for(server.url());
  options.concurrency = 4;
  options.connection.requests_per_minute = 600;
  EXPECT_EQ(run(options, 5).answers.size(), 5u);
  const auto calls = server.calls();
  ASSERT_EQ(calls.size(), 6u);
  EXPECT_GE(calls.back().seconds - calls.front().seconds, 5 * 0.1 - 0.05);
}

TEST_F(ApiAnswererTest, StopsInARequestAndInABackOff) {
  SocketServer silent([](int, const std::atomic<bool>& over) {
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  ApiOptions options = options_for(silent.url());
  options.concurrency = 2;
  Outcome outcome = run(options, 3, 0.2);
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(outcome.answers.empty());
  EXPECT_LT(outcome.seconds, 1.2);
  ApiServer busy([](std::size_t, const httplib::Request&, httplib::Response& response) { response.status = 503; });
  options = options_for(busy.url());
  options.connection.first_wait_seconds = options.connection.longest_wait_seconds = 60;
  outcome = run(options, 3, 0.2);
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(outcome.answers.empty());
  EXPECT_LT(outcome.seconds, 1.2);
}

TEST_F(ApiAnswererTest, CostLimitStopsAndKeepsWhatIsDone) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    good(response);  // costs 0.003
  });
  ApiOptions options = options_for(server.url());
  options.price = Price{2, 10};
  options.cost_limit = 0.01;
  options.concurrency = 2;
  Outcome outcome = run(options, 50);
  EXPECT_THAT(outcome.error, HasSubstr("--cost-limit is 0.01"));
  EXPECT_GE(outcome.answers.size(), 4u);
  EXPECT_LE(outcome.answers.size(), 5u);
  EXPECT_EQ(outcome.answers.size(), server.calls().size());
  options.spent = [] { return 0.009; };
  EXPECT_LE(run(options, 50).answers.size(), 2u);
  options.spent = [] { return 0.01; };
  EXPECT_TRUE(run(options, 50).answers.empty());
  options.spent = {};
  EXPECT_EQ(run(options, 3).error, "");
}

TEST_F(ApiAnswererTest, CostLimitNeedsUsage) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) {
    response.set_content(good_body("x", 0, 0), "application/json");
  });
  ApiOptions options = options_for(server.url());
  options.price = Price{2, 10};
  options.cost_limit = 1;
  const Outcome outcome = run(options, 5);
  EXPECT_THAT(outcome.error, HasSubstr("states no usage"));
  EXPECT_EQ(outcome.answers.size(), 1u);
}

TEST_F(ApiAnswererTest, AnErrorOfTheCallerComesThrough) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) { good(response); });
  const EvalSet set = samples(2);
  const std::size_t wanted[] = {0, 1};
  const std::atomic<bool> stop{false};
  EXPECT_EQ(user_error_of([&] {
              ApiAnswerer(options_for(server.url()))
                  .answer(
                      set, wanted, [](std::size_t, const EvalAnswer&) { throw_user_error("disk full"); }, {}, stop);
            }),
            "disk full");
  EXPECT_EQ(server.calls().size(), 1u);
}

TEST_F(ApiAnswererTest, WrongSettings) {
  const auto error = [](const std::function<void(ApiOptions&)>& change) {
    ApiOptions options = options_for("http://localhost");
    change(options);
    return user_error_of([&] { ApiAnswerer answerer(options); });
  };
  EXPECT_EQ(error([](ApiOptions&) {}), "");
  EXPECT_THAT(error([](ApiOptions& o) { o.prompt.model = ""; }), HasSubstr("--api-model"));
  EXPECT_THAT(error([](ApiOptions& o) { o.concurrency = 0; }), HasSubstr("--concurrency"));
  EXPECT_THAT(error([](ApiOptions& o) { o.cost_limit = 1; }), HasSubstr("--prices"));
  EXPECT_THAT(error([](ApiOptions& o) { o.connection.timeout_seconds = 0; }), HasSubstr("--timeout"));
  EXPECT_THAT(error([](ApiOptions& o) { o.connection.retries = -1; }), HasSubstr("--retries"));
  EXPECT_THAT(error([](ApiOptions& o) { o.connection.requests_per_minute = NAN; }), HasSubstr("--requests-per-minute"));
  EXPECT_THAT(error([](ApiOptions& o) { o.connection.url = "localhost"; }), HasSubstr("expected http"));
}

TEST(RawResponses, NamesOfFilesAreSafe) {
  EXPECT_EQ(safe_file_name("ruler/vt-4096.1"), "ruler%2Fvt-4096.1");
  EXPECT_EQ(safe_file_name("../../etc"), "%2E.%2F..%2Fetc");
  EXPECT_EQ(safe_file_name(std::string("a\0\xff", 3)), "a%00%FF");
  EXPECT_EQ(safe_file_name(""), "%");
  const std::string one = safe_file_name(std::string(500, 'x')), other = safe_file_name(std::string(501, 'x'));
  EXPECT_LT(one.size(), 160u);
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace tome::eval
