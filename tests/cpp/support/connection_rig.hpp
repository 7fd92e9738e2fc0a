// A connection on a scripted transport and a fake clock, with an owner that writes down what it is
// told. Operation k is encoded as the text given when it was pushed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redisload/net/connection.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_transport.hpp"

namespace redisload::test {

class ConnectionRig {
 public:
  struct Seen {
    std::uint64_t key;
    char type;
    std::size_t bytes;
    std::int64_t at_ns;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  struct Sent {
    std::uint64_t key;
    std::int64_t at_ns;
    friend bool operator==(const Sent&, const Sent&) = default;
  };

  explicit ConnectionRig(const TargetConfig& target = {},
                         std::vector<std::string> addresses = {"a:1"}, std::size_t window = 16)
      : setup_(make_setup(std::move(addresses), window)),
        connection(7, setup_, make_handshake(target, "test:w0:c7"),
                   std::make_unique<ScriptedTransport>(script), Random(1)) {}

  bool open() { return connection.open(clock.now_ns()); }
  bool progress() { return connection.progress(buffer_, clock); }
  bool receive(bool hung_up = false) { return connection.receive(*this, buffer_, clock, hung_up); }
  bool flush() { return connection.flush(*this, scratch_, clock); }
  // Connected, with every step of the handshake answered by +OK.
  bool make_ready() {
    if (!open()) return false;
    for (std::size_t i = 0; i < connection.handshake().steps.size(); ++i) script.receive("+OK\r\n");
    const bool alive = progress();
    script.written.clear();
    script.write_calls.clear();
    return alive && connection.ready();
  }
  InFlight& push(std::string text, int replies = 1) {
    InFlight& op = connection.window().push();
    op.request.key = texts_.size();
    op.request.detail = static_cast<std::uint32_t>(replies);
    texts_.push_back(std::move(text));
    return op;
  }

  // The owner's part.
  void on_reply(Connection& from, InFlight& op, const Reply& reply, std::size_t bytes,
                std::int64_t now_ns) {
    seen.push_back({op.request.key, reply.type, bytes, now_ns});
    if (--op.replies_left == 0) from.window().pop();
  }
  ReplySink* parts(Connection&, const InFlight&) { return nullptr; }
  void on_sent(Connection&, InFlight& op) { sent.push_back({op.request.key, op.sent_ns}); }
  void encode(Connection&, InFlight& op, OutputBuffer& out) {
    out.append(texts_[op.request.key]);
    op.replies_left = static_cast<std::uint16_t>(op.request.detail);
  }

  Script script;
  FakeClock clock;

 private:
  static ConnectionSetup make_setup(std::vector<std::string> addresses, std::size_t window) {
    ConnectionSetup setup;
    for (std::string& text : addresses) {
      Address address;
      address.text = std::move(text);
      setup.addresses.push_back(std::move(address));
    }
    setup.connect_timeout = std::chrono::seconds(2);
    setup.handshake_timeout = std::chrono::seconds(3);
    setup.window = window;
    return setup;
  }

  ConnectionSetup setup_;
  std::vector<char> buffer_ = std::vector<char>(64);
  OutputBuffer scratch_;
  std::vector<std::string> texts_;

 public:
  Connection connection;
  std::vector<Seen> seen;
  std::vector<Sent> sent;
};

}  // namespace redisload::test
