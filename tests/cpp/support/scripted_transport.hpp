// A transport without a socket: what it answers is written down beforehand, what it was given can
// be looked at. The script belongs to the test and outlives the transport; one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/net/transport.hpp"

namespace redisload::test {

inline constexpr IoResult kIoOk{};
inline constexpr IoResult kIoBlocked{IoStatus::blocked, 0, 0};
inline constexpr IoResult kIoClosed{IoStatus::closed, 0, 0};
constexpr IoResult io_failed(int error) { return {IoStatus::failed, 0, error}; }

struct Script {
  struct Read {
    IoResult result;
    std::string bytes;  // given while result is ok
  };
  std::deque<IoResult> connects;  // when empty: ok
  std::deque<IoResult> finishes;  // when empty: ok
  std::deque<Read> reads;         // when empty: blocked
  // How many bytes each write takes, 0: blocked; when empty: all.
  std::deque<std::size_t> writes;
  IoResult write_failure;  // not ok: what every write gives

  std::string written;                    // on the present socket
  std::vector<std::size_t> write_calls;   // the size of each write asked for
  std::vector<std::string> connected_to;  // addresses, in order
  bool open = false;
  bool pending = false;

  void receive(std::string_view bytes) { reads.push_back({kIoOk, std::string(bytes)}); }
  void receive(IoResult result) { reads.push_back({result, {}}); }
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}

  IoResult connect(const Address& address) override {
    script_.connected_to.push_back(address.text);
    script_.written.clear();
    script_.open = true;
    return next(script_.connects);
  }
  IoResult finish_connect() override { return next(script_.finishes); }
  IoResult read(char* buffer, std::size_t size) override {
    if (script_.reads.empty()) return kIoBlocked;
    Script::Read& first = script_.reads.front();
    const IoResult result = first.result;
    if (result.status != IoStatus::ok) {
      script_.reads.pop_front();
      return result;
    }
    const std::size_t given = std::min(size, first.bytes.size());
    std::memcpy(buffer, first.bytes.data(), given);
    first.bytes.erase(0, given);
    if (first.bytes.empty()) script_.reads.pop_front();
    return {IoStatus::ok, given, 0};
  }
  IoResult write(const char* data, std::size_t size) override {
    if (script_.write_failure.status != IoStatus::ok) return script_.write_failure;
    script_.write_calls.push_back(size);
    std::size_t taken = size;
    if (!script_.writes.empty()) {
      taken = std::min(size, script_.writes.front());
      script_.writes.pop_front();
    }
    if (taken == 0 && size != 0) return kIoBlocked;
    script_.written.append(data, taken);
    return {IoStatus::ok, taken, 0};
  }
  bool has_pending() const override { return script_.pending; }
  void close() override { script_.open = false; }
  int descriptor() const override { return script_.open ? std::numeric_limits<int>::max() : -1; }

 private:
  static IoResult next(std::deque<IoResult>& results) {
    if (results.empty()) return kIoOk;
    const IoResult result = results.front();
    results.pop_front();
    return result;
  }

  Script& script_;
};

}  // namespace redisload::test
