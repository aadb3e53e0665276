// A blocking HTTP/1.1 exchange, while which the terminal goes on serving its control channel.
#pragma once
#include <string>

namespace mql {

struct web_answer {
  int status = -1;
  int error = 0;  // 5200 … 5203 when status is -1
  std::string headers;
  std::string body;
};

struct web_request {
  std::string method, url, headers, body;
  int timeout_ms = 0;
};

web_answer exchange(const web_request &request);

}  // namespace mql
