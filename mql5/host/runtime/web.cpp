#include "web.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "api/common.hpp"
#include "host.hpp"

namespace mql {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

struct link {
  int fd = -1;
  long deadline = 0;
  ~link() { if (fd >= 0) close(fd); }
  // Wait until the socket is ready; false at the deadline.
  bool wait(short events) const {
    for (long left; (left = deadline - steady_ms()) > 0;)
      if (host().serve_with(fd, events, static_cast<int>(left))) return true;
    return false;
  }
};

int dial(link &l, const std::string &name, const std::string &port) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(name.c_str(), port.c_str(), &hints, &found) != 0) return ERR_WEBREQUEST_CONNECT_FAILED;
  int error = ERR_WEBREQUEST_CONNECT_FAILED;
  for (const addrinfo *at = found; at != nullptr && error != 0; at = at->ai_next) {
    if (l.fd >= 0) close(l.fd);
    l.fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l.fd < 0) continue;
    if (connect(l.fd, at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS) continue;
    if (!l.wait(POLLOUT)) { error = ERR_WEBREQUEST_TIMEOUT; break; }
    int failed = 0;
    socklen_t size = sizeof failed;
    getsockopt(l.fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed == 0) error = 0;
  }
  freeaddrinfo(found);
  const int on = 1;
  if (error == 0) setsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return error;
}

std::string header(const std::string &headers, const std::string &name) {
  const std::string all = "\r\n" + lower(headers);
  const std::size_t at = all.find("\r\n" + name + ":");
  if (at == std::string::npos) return "";
  const std::size_t start = all.find_first_not_of(' ', at + name.size() + 3);
  return all.substr(start, all.find("\r\n", start) - start);
}

// The body when `raw` holds all of it; false while more must come.
bool whole(const std::string &raw, bool closed, web_answer &answer) {
  const std::size_t end = raw.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  answer.headers = raw.substr(0, end + 2);
  answer.status = std::atoi(raw.substr(9, 3).c_str());
  const std::string rest = raw.substr(end + 4);
  if (header(answer.headers, "transfer-encoding").find("chunked") != std::string::npos) {
    answer.body.clear();
    for (std::size_t at = 0;;) {
      const std::size_t line = rest.find("\r\n", at);
      if (line == std::string::npos) return false;
      const std::size_t size = std::strtoul(rest.substr(at, line - at).c_str(), nullptr, 16);
      if (size == 0) return true;
      if (rest.size() < line + 4 + size) return false;
      answer.body += rest.substr(line + 2, size);
      at = line + 4 + size;
    }
  }
  const std::string length = header(answer.headers, "content-length");
  if (length.empty() && !closed && answer.status != 204) return false;
  const std::size_t size = length.empty() ? rest.size() : std::strtoul(length.c_str(), nullptr, 10);
  if (rest.size() < size) return false;
  answer.body = rest.substr(0, size);
  return true;
}

web_answer failed(int error) {
  web_answer out;
  out.error = error;
  return out;
}

}  // namespace

web_answer exchange(const web_request &request) {
  if (request.url.compare(0, 7, "http://") != 0) return failed(ERR_WEBREQUEST_INVALID_ADDRESS);
  const std::size_t slash = request.url.find('/', 7);
  const std::string authority = request.url.substr(7, slash == std::string::npos ? slash : slash - 7);
  const std::size_t colon = authority.find(':');
  const std::string path = slash == std::string::npos ? "/" : request.url.substr(slash);
  link l;
  l.deadline = steady_ms() + request.timeout_ms;
  if (const int error = dial(l, authority.substr(0, colon), colon == std::string::npos ? "80" : authority.substr(colon + 1))) return failed(error);
  std::string text = request.method + " " + path + " HTTP/1.1\r\nHost: " + authority + "\r\nUser-Agent: MetaTrader 5 Terminal/5.4755 (Linux host)\r\n";
  text += "Accept: */*\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
  std::string extra = request.headers;
  while (!extra.empty() && (extra.back() == '\n' || extra.back() == '\r')) extra.pop_back();
  if (!extra.empty()) text += extra + "\r\n";
  if (lower("\r\n" + extra).find("\r\ncontent-type:") == std::string::npos) text += "Content-Type: application/x-www-form-urlencoded\r\n";
  if (host().virtual_clock) text += "X-Virtual-Now-Ms: " + std::to_string(host().now_ms()) + "\r\n";  // what a real service reads from its own clock
  text += "\r\n" + request.body;
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = ::send(l.fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (n > 0) at += static_cast<std::size_t>(n);
    else if (errno != EAGAIN && errno != EINTR) return failed(ERR_WEBREQUEST_REQUEST_FAILED);
    else if (!l.wait(POLLOUT)) return failed(ERR_WEBREQUEST_TIMEOUT);
  }
  host().passing("web_sent", request.url + "\n" + request.body);
  std::string raw;
  web_answer answer;
  char chunk[65536];
  while (true) {
    const ssize_t n = recv(l.fd, chunk, sizeof chunk, 0);
    if (n > 0) raw.append(chunk, static_cast<std::size_t>(n));
    else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (!l.wait(POLLIN)) return failed(ERR_WEBREQUEST_TIMEOUT);
      continue;
    }
    if (whole(raw, n <= 0, answer)) return answer;
    if (n <= 0) return failed(ERR_WEBREQUEST_REQUEST_FAILED);
  }
}

namespace {

bool allowed(const std::string &url) {
  for (const std::string &prefix : host().allowed_urls) {
    const std::size_t n = prefix.size();
    if (url.compare(0, n, prefix) == 0 && (url.size() == n || prefix.back() == '/' || url[n] == '/' || url[n] == '?')) return true;
  }
  return false;
}

json take_fault(const std::string &what) {
  auto &faults = host().web_faults;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    json &fault = faults[i];
    if (fault.has("match") && what.find(fault["match"].str()) == std::string::npos) continue;
    if (fault["skip"].integer() > 0) { fault.set("skip", fault["skip"].integer() - 1); continue; }
    const json out = fault;
    const long left = fault["count"].integer(1) - 1;
    fault.set("count", left);
    if (left <= 0) faults.erase(faults.begin() + static_cast<long>(i));
    return out;
  }
  return json();
}

web_answer with_fault(const web_request &request, const json &fault) {
  const std::string kind = fault["kind"].str();
  const int error = static_cast<int>(fault["error"].integer(ERR_WEBREQUEST_REQUEST_FAILED));
  web_answer lost = failed(error);
  lost.status = static_cast<int>(fault["value"].integer(-1));
  if (kind == "return" || kind == "drop_request") return lost;
  if (kind == "slow") {
    const int ms = static_cast<int>(fault["ms"].integer(3000));
    Sleep(std::min(ms, request.timeout_ms));
    if (ms >= request.timeout_ms) return failed(ERR_WEBREQUEST_TIMEOUT);
  }
  if (kind == "duplicate") exchange(request);
  web_answer answer = exchange(request);
  if (kind == "drop_response") return lost;
  if (kind == "status") { answer.status = static_cast<int>(fault["value"].integer(503)); answer.body.clear(); }
  if (kind == "truncate") answer.body.resize(answer.body.size() / 2);
  if (kind == "body") answer.body = fault["body"].str();
  return answer;
}

int request_of_program(web_request request, web_answer &answer) {
  host_state &h = host();
  if (h.running == handler::transaction || h.running == handler::trade) die("WebRequest inside of OnTradeTransaction");
  if (h.settings["mql"]["tester"].flag()) { answer = failed(ERR_FUNCTION_NOT_ALLOWED); return fail(ERR_FUNCTION_NOT_ALLOWED); }
  const std::string what = request.url + "\n" + request.body;
  const long began = steady_ms();
  if (!allowed(request.url)) answer = failed(ERR_FUNCTION_NOT_ALLOWED);
  else {
    h.passing("web_before", what);
    const json fault = take_fault(what);
    answer = fault.kind() == json::nil ? exchange(request) : with_fault(request, fault);
    h.passing("web_after", answer.body);
  }
  // MetaTrader hands out no body with an error status; a program that reads one is wrong.
  if (answer.status >= 400) answer.body.clear();
  if (answer.status < 0) fail(answer.error);
  h.say(json::map().set("event", "web").set("method", request.method).set("url", request.url).set("status", answer.status)
            .set("error", answer.error).set("handler", static_cast<int>(h.running)).set("ms", steady_ms() - began).set("timeout_ms", request.timeout_ms));
  return answer.status;
}

template <class C>
int web_call(const string &method, const string &url, const std::string &headers, int timeout, const array<C> &data, int size, array<C> &result, string &result_headers) {
  web_request request{method.utf8(), url.utf8(), headers, std::string(), timeout};
  for (int i = 0; i < size; ++i) request.body += static_cast<char>(data[i]);
  web_answer answer;
  const int status = request_of_program(request, answer);
  result.resize(static_cast<int>(answer.body.size()));
  for (int i = 0; i < result.size(); ++i) result[i] = static_cast<C>(answer.body[static_cast<std::size_t>(i)]);
  result_headers = string::utf8(answer.headers);
  return status;
}

}  // namespace

int WebRequest(const string &method, const string &url, const string &headers, int timeout, const array<char> &data, array<char> &result, string &result_headers) {
  return web_call(method, url, headers.utf8(), timeout, data, data.size(), result, result_headers);
}

int WebRequest(const string &method, const string &url, const string &headers, int timeout, const array<uchar> &data, array<uchar> &result, string &result_headers) {
  return web_call(method, url, headers.utf8(), timeout, data, data.size(), result, result_headers);
}

int WebRequest(const string &method, const string &url, const string &cookie, const string &referer, int timeout, const array<char> &data, int size, array<char> &result, string &result_headers) {
  std::string headers;
  if (cookie.size() > 0) headers += "Cookie: " + cookie.utf8() + "\r\n";
  if (referer.size() > 0) headers += "Referer: " + referer.utf8() + "\r\n";
  return web_call(method, url, headers, timeout, data, size, result, result_headers);
}

}  // namespace mql
