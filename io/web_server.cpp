#include <curl/curl.h>

#include <exception>

#include "base/error.h"
#include "base/text.h"
#include "io/remote_store.h"

namespace rankflow {
namespace {

struct EndHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

struct Body {
  const std::function<void(std::span<const std::byte>)>* take;
  std::exception_ptr failure;  // of `take`: it must not travel through libcurl
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& body = *static_cast<Body*>(user);
  try {
    (*body.take)({reinterpret_cast<const std::byte*>(data), size * count});
    return size * count;
  } catch (...) {
    body.failure = std::current_exception();
    return 0;  // anything but all of it ends the transfer
  }
}

template <typename Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (const CURLcode code = curl_easy_setopt(handle, option, value); code != CURLE_OK)
    throw Error(ExitStatus::internal,
                str("libcurl refuses option ", int{option}, ": ", curl_easy_strerror(code)));
}

class WebServer : public RemoteStore {
 public:
  explicit WebServer(std::string url) : url_(std::move(url)) {}

  std::vector<RemoteFile> list() override { return {{"", -1, ""}}; }
  std::map<std::string, std::int64_t> sizes() override { return {{"", -1}}; }

  void read(const RemoteFile&, Range, const std::function<void(std::span<const std::byte>)>& take) override {
    const std::unique_ptr<CURL, EndHandle> handle(curl_easy_init());
    if (!handle) throw Error(ExitStatus::internal, "libcurl cannot start");
    char problem[CURL_ERROR_SIZE] = "";
    Body body{&take, nullptr};
    set(handle.get(), CURLOPT_URL, url_.c_str());
    set(handle.get(), CURLOPT_ERRORBUFFER, problem);
    set(handle.get(), CURLOPT_WRITEFUNCTION, on_body);
    set(handle.get(), CURLOPT_WRITEDATA, &body);
    set(handle.get(), CURLOPT_FAILONERROR, 1L);
    set(handle.get(), CURLOPT_NOSIGNAL, 1L);
    set(handle.get(), CURLOPT_FOLLOWLOCATION, 1L);
    set(handle.get(), CURLOPT_MAXREDIRS, 10L);
    // A redirection must not lead to a file of this machine.
    set(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    set(handle.get(), CURLOPT_REDIR_PROTOCOLS_STR, url_.starts_with("https") ? "https" : "http,https");
    set(handle.get(), CURLOPT_CONNECTTIMEOUT, 20L);
    // Slow is fine, silent is not.
    set(handle.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(handle.get(), CURLOPT_LOW_SPEED_TIME, 60L);
    set(handle.get(), CURLOPT_USERAGENT, "rankflow/" RANKFLOW_VERSION);
    const CURLcode code = curl_easy_perform(handle.get());
    if (body.failure) std::rethrow_exception(body.failure);
    if (code == CURLE_OK) return;
    throw Error(ExitStatus::io,
                str("cannot fetch ", url_, ": ", *problem ? problem : curl_easy_strerror(code)));
  }

  void write(const std::string&, const std::function<std::span<const std::byte>()>&) override { refuse(); }
  void remove(const std::string&) override { refuse(); }

 private:
  [[noreturn]] void refuse() const {
    throw Error(ExitStatus::configuration, str(url_, ": nothing can be written to a web server"),
                "an object store or a path");
  }

  std::string url_;
};

}  // namespace

std::unique_ptr<RemoteStore> open_web_server(const Location& location) {
  return std::make_unique<WebServer>(location.url);
}

}  // namespace rankflow
