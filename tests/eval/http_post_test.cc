#include "eval/answerers/http_post.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "eval/api_server.h"

namespace tome::eval {
namespace {

using testing::HasSubstr;

const std::function<bool()> kNever = [] { return false; };

HttpResponse post(const std::string& url, double timeout = 10, const std::function<bool()>& stopped = kNever) {
  return http_post({parse_http_url(url), {{"X-Test", "yes"}}, "{}", timeout, 1 << 20}, stopped);
}

TEST(HttpUrl, TakesApart) {
  const HttpUrl url = parse_http_url("https://api.example.org/v1/");
  EXPECT_TRUE(url.https);
  EXPECT_EQ(url.host, "api.example.org");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.path, "/v1");
  EXPECT_EQ(url.text(), "https://api.example.org/v1");
  EXPECT_EQ(parse_http_url("http://[::1]:8080").text(), "http://[::1]:8080");
  EXPECT_TRUE(parse_http_url("http://[::1]:8080").loopback());
  EXPECT_TRUE(parse_http_url("http://localhost").loopback());
  EXPECT_FALSE(parse_http_url("http://127.example.org").loopback());
}

TEST(HttpUrl, RefusesOthers) {
  for (const char* url :
       {"", "api.example.org", "ftp://a", "http://", "http:///v1", "http://a:b", "http://a:0", "http://a:65536",
        "http://a:80x", "http://[::1", "http://[::1]80", "http://a/v1?key=x", "http://a/ b", "http://a\n/v1",
        "http://a/v1\r\nX: y", "http://a#b", "http://me:secret@a/v1"}) {
    const std::string error = user_error_of([&] { parse_http_url(url); });
    EXPECT_THAT(error, HasSubstr("expected http")) << url;
    EXPECT_EQ(error.find("secret"), std::string::npos);
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

TEST(HttpPost, SendsAndReceives) {
  ApiServer server([](std::size_t, const httplib::Request&, httplib::Response& response) {
    response.status = 418;
    response.set_header("Retry-After", "7");
    response.set_content("short and stout", "text/plain");
  });
  const HttpResponse response = post(server.url() + "/v1/x");
  EXPECT_EQ(response.failure, HttpFailure::kNone) << response.problem;
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.body, "short and stout");
  EXPECT_EQ(response.header("retry-after"), "7");
  ASSERT_EQ(server.calls().size(), 1u);
  EXPECT_EQ(server.calls()[0].path, "/v1/x");
  EXPECT_EQ(server.calls()[0].body, "{}");
  EXPECT_EQ(server.calls()[0].header("X-Test"), "yes");
  EXPECT_EQ(server.calls()[0].header("Content-Type"), "application/json");
}

TEST(HttpPost, DoesNotFollowRedirects) {
  ApiServer server(
      [](std::size_t, const httplib::Request&, httplib::Response& response) { response.set_redirect("/other"); });
  EXPECT_EQ(post(server.url()).status, 302);
  EXPECT_EQ(server.calls().size(), 1u);
}

TEST(HttpPost, HalfABodyIsBroken) {
  SocketServer server([](int socket, const std::atomic<bool>&) {
    SocketServer::write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");
  });
  EXPECT_EQ(post(server.url()).failure, HttpFailure::kBroken);
}

TEST(HttpPost, TooLargeABodyIsLeft) {
  SocketServer server([](int socket, const std::atomic<bool>& over) {
    SocketServer::write(socket, "HTTP/1.1 200 OK\r\n\r\n");
    while (!over && SocketServer::write(socket, std::string(1 << 16, 'x'))) {
    }
  });
  const HttpResponse response = post(server.url());
  EXPECT_EQ(response.failure, HttpFailure::kTooLarge);
  EXPECT_LE(response.body.size(), 4096u);
}

TEST(HttpPost, DeadlineCountsTheWholeOfASlowStream) {
  for (const bool headers : {false, true}) {  // drips within its headers, or within its body
    SocketServer server([headers](int socket, const std::atomic<bool>& over) {
      SocketServer::write(socket, headers ? "HTTP/1.1 200 OK\r\nX-Long: " : "HTTP/1.1 200 OK\r\n\r\n");
      while (!over && SocketServer::write(socket, "x")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    });
    const HttpResponse response = post(server.url(), 0.6);
    EXPECT_EQ(response.failure, HttpFailure::kTimeout);
    EXPECT_GT(response.seconds, 0.55);
    EXPECT_LT(response.seconds, 2);
  }
}

TEST(HttpPost, StopsWhileItWaitsForAnAnswer) {
  SocketServer server([](int, const std::atomic<bool>& over) {
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  const Stopwatch watch;
  const HttpResponse response = post(server.url(), 60, [&] { return watch.seconds() > 0.3; });
  EXPECT_EQ(response.failure, HttpFailure::kStopped);
  EXPECT_LT(watch.seconds(), 1.3);
}

TEST(HttpPost, StopsWhileItConnects) {
  SocketServer server([](int, const std::atomic<bool>&) {}, /*backlog=*/0, /*accepts=*/false);
  std::vector<int> fill;  // a full queue lets no other connection in
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(server.port()));
  for (int i = 0; i < 4; ++i) {
    fill.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fill.back(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  const Stopwatch watch;
  const HttpResponse response = post(server.url(), 60, [&] { return watch.seconds() > 0.3; });
  EXPECT_EQ(response.failure, HttpFailure::kStopped);
  EXPECT_GT(watch.seconds(), 0.29);
  EXPECT_LT(watch.seconds(), 1.3);
  for (const int socket : fill) ::close(socket);
}

TEST(HttpPost, NobodyThere) {
  int port = 0;
  {
    const SocketServer server([](int, const std::atomic<bool>&) {});
    port = server.port();
  }
  EXPECT_EQ(post(cat("http://127.0.0.1:", port)).failure, HttpFailure::kUnreachable);
}

TEST(HttpPost, AServerThatHangsUpWhileWeWriteDoesNotEndTheProcess) {
  std::signal(SIGPIPE, SIG_DFL);
  SocketServer server([](int socket, const std::atomic<bool>&) {
    const linger at_once = {1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  });
  const HttpResponse response =
      http_post({parse_http_url(server.url()), {}, std::string(64 << 20, ' '), 10, 1 << 20}, kNever);
  EXPECT_EQ(response.failure, HttpFailure::kBroken);
}

/// A server for https with a certificate of its own making.
class TlsServer {
 public:
  TlsServer() : key_(EVP_RSA_gen(2048), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    X509* x = certificate_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_.get());
    const auto* name = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(x, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x, key_.get(), EVP_sha256());
    server_ = std::make_unique<httplib::SSLServer>(x, key_.get());
    server_->Post(
        ".*", [](const httplib::Request&, httplib::Response& response) { response.set_content("{}", "text/json"); });
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~TlsServer() {
    server_->stop();
    thread_.join();
  }

  std::string url(const char* host) const { return cat("https://", host, ":", port_); }
  void write_certificate(const std::filesystem::path& path) const {
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
  }

 private:
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::unique_ptr<X509, void (*)(X509*)> certificate_;
  std::unique_ptr<httplib::SSLServer> server_;
  std::thread thread_;
  int port_ = 0;
};

TEST(HttpPost, ChecksCertificates) {
  const TlsServer server;
  const TestFolder folder;
  EXPECT_EQ(post(server.url("localhost")).failure, HttpFailure::kCertificate);
  server.write_certificate(folder.path() / "own.pem");
  const WithVariable trusted("SSL_CERT_FILE", (folder.path() / "own.pem").c_str());
  const HttpResponse response = post(server.url("localhost"));
  EXPECT_EQ(response.failure, HttpFailure::kNone) << response.problem;
  EXPECT_EQ(response.body, "{}");
  EXPECT_EQ(post(server.url("127.0.0.1")).failure, HttpFailure::kCertificate);  // another name than the certificate's
}

}  // namespace
}  // namespace tome::eval
