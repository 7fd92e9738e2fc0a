// Our own questions to the server (PING, INFO, CONFIG GET, DBSIZE, SCAN), apart from the load: one
// connection, synchronous, one deadline above each whole question, however slowly its answer
// trickles in. A server that does not answer costs a deadline once, then every question is answered
// with nothing. Answers are kept up to 4 MiB a question. Used by one thread at a time.
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
#include "redisload/net/fault.hpp"
#include "redisload/net/handshake.hpp"
#include "redisload/net/reply_parser.hpp"
#include "redisload/net/reply_tree.hpp"
#include "redisload/net/transport.hpp"

namespace redisload {

class ControlConnection {
 public:
  // Never throws for a target that does not answer: connected() says so. `timeout` holds for
  // connecting, for the handshake and for each question.
  ControlConnection(const Address& address, const TargetConfig& target, const std::string& name,
                    Duration timeout);

  bool connected() const noexcept { return transport_.descriptor() >= 0; }
  // Why it is not connected, or what the server refused of the handshake.
  const std::optional<Fault>& fault() const noexcept { return fault_; }
  void close() { transport_.close(); }
  // How long each later question may take.
  void set_timeout(Duration timeout) noexcept { timeout_ns_ = timeout.count(); }
  // The reply as text (bulk, status or integer); none for an error, nil, or a lost connection.
  std::optional<std::string> ask(const std::vector<std::string>& words);
  // Pairs of a flat array or map reply.
  std::map<std::string, std::string> ask_pairs(const std::vector<std::string>& words);
  // Sends all questions at once and gives their answers, in their order and with their errors; one
  // deadline for all together. None when the connection was lost, or before it.
  std::optional<std::vector<ReplyTree>> ask_all(
      const std::vector<std::vector<std::string>>& questions);
  // INFO's lines as a map.
  std::map<std::string, std::string> info();
  // How often each command was sent, as commandstats names it.
  const std::map<std::string, std::uint64_t>& sent() const noexcept { return sent_; }

 private:
  bool open(const Address& address);
  // Writes and waits for so many replies; what came until then, and the connection is closed, when
  // they do not all come in time or are no RESP.
  std::vector<ReplyTree> exchange(std::string_view bytes, std::size_t replies);
  bool write(std::string_view bytes, std::int64_t deadline_ns);
  bool receive(std::vector<ReplyTree>& replies, std::size_t wanted);
  // One question; a tree of type 0 when it was not answered.
  ReplyTree ask_one(const std::vector<std::string>& words);
  void judge_handshake(const Handshake& handshake, const std::vector<ReplyTree>& replies);
  bool ready(short events, std::int64_t deadline_ns);
  // Notes why and closes; false.
  bool broken(Fault fault);

  MonotonicClock clock_;
  std::int64_t timeout_ns_;
  const std::string address_;
  std::string stage_ = "connect";
  std::optional<Fault> fault_;
  PlainTransport transport_;
  ReplyParser parser_;
  ReplyTreeBuilder answer_;
  std::map<std::string, std::uint64_t> sent_;
};

}  // namespace redisload
