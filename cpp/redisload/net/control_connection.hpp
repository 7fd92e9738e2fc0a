// The run's own questions to the server (PING, INFO, CONFIG GET, DBSIZE), apart from the load: one
// connection, synchronous, one deadline above each whole question, however slowly its answer
// trickles in. A server that does not answer costs a deadline once, then every question is answered
// with nothing. Used by one thread at a time.
//
// Not hiredis' synchronous API: its timeout holds for each single read, so a byte now and then
// keeps it waiting for ever, and it keeps as much, nested as deeply, as a broken server sends
// (R24).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/base/time_source.hpp"
#include "redisload/net/address.hpp"
#include "redisload/net/handshake.hpp"
#include "redisload/net/reply_parser.hpp"
#include "redisload/net/transport.hpp"

namespace redisload {

class ControlConnection {
 public:
  // Never throws for a target that does not answer: connected() says so. `timeout` holds for
  // connecting, for the handshake and for each question.
  ControlConnection(const Address& address, const TargetConfig& target, const std::string& name,
                    Duration timeout);

  bool connected() const noexcept { return transport_.descriptor() >= 0; }
  // How long each later question may take.
  void set_timeout(Duration timeout) noexcept { timeout_ns_ = timeout.count(); }
  // The reply as text (bulk, status or integer); none for an error, nil, or a lost connection.
  std::optional<std::string> ask(const std::vector<std::string>& words);
  // Pairs of a flat array or map reply.
  std::map<std::string, std::string> ask_pairs(const std::vector<std::string>& words);
  // INFO's lines as a map.
  std::map<std::string, std::string> info();
  // How often each command was sent, as commandstats names it.
  const std::map<std::string, std::uint64_t>& sent() const noexcept { return sent_; }

 private:
  // The last reply, its values as texts in their order; what lies deeper than one array is skipped.
  class Answer final : public ReplySink {
   public:
    void clear();
    void element(char type, std::int64_t number, bool nil, int depth) override;
    void bytes(std::string_view chunk) override;

    char type = 0;
    bool nil = false;
    std::vector<std::string> texts;
    std::size_t kept_bytes = 0;

   private:
    bool keep_ = false;
  };

  bool open(const Address& address);
  bool send(const std::vector<std::string>& words);
  // Writes and waits for so many replies, the last of which is in answer_; false, and the
  // connection is closed, when they do not come in time or are no RESP.
  bool exchange(std::string_view bytes, std::size_t replies);
  bool receive(std::size_t& replies, bool& blocked);
  bool ready(short events, std::int64_t deadline_ns) const;

  MonotonicClock clock_;
  std::int64_t timeout_ns_;
  PlainTransport transport_;
  ReplyParser parser_;
  Answer answer_;
  std::map<std::string, std::uint64_t> sent_;
};

}  // namespace redisload
