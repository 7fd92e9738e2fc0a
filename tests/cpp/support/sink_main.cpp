// redisload_sink: a Sink as a program. Prints "port N" and serves until SIGTERM or SIGINT.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/sink.hpp"

namespace {

using redisload::test::Sink;
using redisload::test::SinkOptions;

constexpr const char* kUsage =
    "redisload_sink [--host 127.0.0.1] [--port 0] [--mode instant|delay|record] [--delay-ms 10]\n"
    "               [--log FILE] [--value-bytes 3] [--exit-with-stdin]\n";

Sink* serving = nullptr;

void on_signal(int) { serving->stop(); }

double number(const std::string& flag, const std::string& text, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0.0 && value <= most)) {
    throw std::invalid_argument(flag + " " + text + ": not a number in range");
  }
  return value;
}

SinkOptions parse(const std::vector<std::string>& arguments) {
  SinkOptions options;
  std::string mode = "instant";
  double delay_ms = 10.0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    if (flag == "--exit-with-stdin") {
      options.exit_with_stdin = true;
      continue;
    }
    if (i + 1 == arguments.size()) throw std::invalid_argument(flag + ": unknown, or no value");
    const std::string& value = arguments[++i];
    if (flag == "--host") {
      options.host = value;
    } else if (flag == "--port") {
      options.port = static_cast<std::uint16_t>(number(flag, value, 65535));
    } else if (flag == "--mode") {
      mode = value;
    } else if (flag == "--delay-ms") {
      delay_ms = number(flag, value, 1e6);
    } else if (flag == "--log") {
      options.log_path = value;
    } else if (flag == "--value-bytes") {
      options.value_bytes = static_cast<std::size_t>(number(flag, value, 1e9));
    } else {
      throw std::invalid_argument(flag + ": unknown");
    }
  }
  if (mode != "instant" && mode != "delay" && mode != "record") {
    throw std::invalid_argument("--mode " + mode + ": instant, delay or record");
  }
  if (mode == "record" && options.log_path.empty()) {
    throw std::invalid_argument("--mode record needs --log FILE");
  }
  if (mode == "delay") options.delay_ns = static_cast<std::int64_t>(delay_ms * 1e6);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  SinkOptions options;
  try {
    options = parse({argv + 1, argv + argc});
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "%s\n%s", error.what(), kUsage);
    return 2;
  }
  try {
    Sink sink(options);
    serving = &sink;
    std::signal(SIGTERM, on_signal);
    std::signal(SIGINT, on_signal);
    std::printf("port %u\n", static_cast<unsigned>(sink.port()));
    std::fflush(stdout);
    sink.run();
    std::signal(SIGTERM, SIG_IGN);  // it must not meet a sink that is gone
    std::signal(SIGINT, SIG_IGN);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "redisload_sink: %s\n", error.what());
    return 1;
  }
  return 0;
}
