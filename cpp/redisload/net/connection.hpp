// One logical connection: a socket with its handshake, RESP state and window of operations. Its
// number outlives its sockets. It knows no loop, worker or recorder: whoever drives it passes time
// and readiness, so an epoll loop and a blocking caller drive the same code. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/base/output_buffer.hpp"
#include "redisload/base/time_source.hpp"
#include "redisload/net/backoff.hpp"
#include "redisload/net/fault.hpp"
#include "redisload/net/handshake.hpp"
#include "redisload/net/in_flight.hpp"
#include "redisload/net/reply_parser.hpp"
#include "redisload/net/transport.hpp"

namespace redisload {

// What all connections of a run share.
struct ConnectionSetup {
  std::vector<Address> addresses;
  Duration connect_timeout{};
  Duration handshake_timeout{};
  std::size_t window = 1;
  BackoffLimits backoff;
};

class Connection {
 public:
  enum class State : std::uint8_t { closed, connecting, handshake, ready };

  Connection(std::uint32_t number, const ConnectionSetup& setup, Handshake handshake,
             std::unique_ptr<Transport> transport, Random backoff_random);

  // Setting up. Each returns false when the connection broke: see fault(); it is closed then, and
  // the operations in its window are the caller's to account for (window().issued …).
  bool open(std::int64_t now_ns);
  // The descriptor became ready, while connecting or shaking hands.
  bool progress(std::span<char> buffer, const TimeSource& clock);
  // Looks at the deadline of connecting or shaking hands.
  bool check_deadline(std::int64_t now_ns);
  // Ends it from our side.
  void close(Fault why);

  // Reads what there is and hands each reply to owner.on_reply(*this, InFlight&, const Reply&,
  // bytes, now_ns), which calls window().pop() at the operation's last reply. owner.parts(*this,
  // InFlight&) says who sees the parts of its next reply (null: nobody).
  template <typename Owner>
  bool receive(Owner& owner, std::span<char> buffer, const TimeSource& clock, bool hung_up);

  // Encodes what waits in the window with owner.encode(*this, InFlight&, OutputBuffer&) and writes
  // it; owner.on_sent(*this, InFlight&) for each operation whose first byte was taken.
  template <typename Owner>
  bool flush(Owner& owner, OutputBuffer& scratch, const TimeSource& clock);

  // Forgets the operations of which the socket took no byte, and their bytes.
  void drop_unissued();

  // Who takes what the server sends unasked; outlives the connection. Null: it is dropped.
  void set_pushes(PushHandler* pushes) noexcept { pushes_ = pushes; }

  InFlightWindow& window() noexcept { return window_; }
  // Whether the last byte of an issued operation was written: else the server cannot have run it.
  bool wholly_written(const InFlight& op) const noexcept { return op.end_offset <= written_; }

  std::uint32_t number() const noexcept { return number_; }
  State state() const noexcept { return state_; }
  bool ready() const noexcept { return state_ == State::ready; }
  int descriptor() const noexcept { return transport_->descriptor(); }
  const Fault& fault() const noexcept { return fault_; }
  const std::string& address() const noexcept { return setup_.addresses[address_index_].text; }
  // After a failed connect: another address of the name has not been tried since it last stood.
  bool has_untried_address() const noexcept {
    return connects_failed_ % setup_.addresses.size() != 0;
  }
  std::int64_t opened_ns() const noexcept { return opened_ns_; }
  std::int64_t deadline_ns() const noexcept { return deadline_ns_; }
  std::int64_t last_heard_ns() const noexcept { return last_heard_ns_; }
  Backoff& backoff() noexcept { return backoff_; }
  const Handshake& handshake() const noexcept { return handshake_; }
  // Handshake commands whose bytes went out since the last open().
  std::size_t handshake_sent() const noexcept { return handshake_sent_; }
  // A write was cut short: wait for the descriptor to become writable.
  bool write_blocked() const noexcept { return !leftover_.empty(); }

 private:
  bool broken(Fault fault);
  bool broken(const IoResult& result);
  bool connect_failed(Fault fault);
  std::string stage() const;
  bool begin_handshake(std::int64_t now_ns);
  bool flush_leftover();
  bool on_handshake_reply(const Reply& reply);
  bool on_handshake_push(const Reply& push, std::int64_t now_ns);
  void step_answered();
  bool receive_handshake(std::span<char> buffer, const TimeSource& clock);
  void become_ready();

  std::uint32_t number_;
  State state_ = State::closed;
  bool answered_ = false;  // an operation was answered on this socket
  const ConnectionSetup& setup_;
  std::unique_ptr<Transport> transport_;
  ReplyParser parser_;
  PushHandler* pushes_ = nullptr;
  InFlightWindow window_;
  OutputBuffer leftover_;      // bytes that the socket did not take yet
  std::uint64_t encoded_ = 0;  // bytes of operations on this socket: encoded, written
  std::uint64_t written_ = 0;
  std::uint64_t issue_offset_ = 0;  // where the next operation to be issued begins
  std::size_t unread_ = 0;          // bytes received of a reply that is not complete
  std::int64_t last_heard_ns_ = 0;

  Handshake handshake_;
  std::size_t handshake_sent_ = 0;
  std::size_t handshake_answered_ = 0;
  std::size_t confirmations_ = 0;  // of the step that comes next
  std::string handshake_refusal_;
  std::size_t address_index_ = 0;
  std::size_t connects_failed_ = 0;  // in a row
  std::int64_t opened_ns_ = 0;
  std::int64_t deadline_ns_ = kNever;
  Backoff backoff_;
  Fault fault_;
};

template <typename Owner>
bool Connection::receive(Owner& owner, std::span<char> buffer, const TimeSource& clock,
                         bool hung_up) {
  for (;;) {
    const IoResult result = transport_->read(buffer.data(), buffer.size());
    if (result.status == IoStatus::blocked) return true;
    if (result.status != IoStatus::ok) return broken(result);
    const std::int64_t now_ns = clock.now_ns();
    last_heard_ns_ = now_ns;
    std::size_t before = 0;
    bool unexpected = false;
    const auto choose_sink = [&] {
      parser_.set_sink(pushes_ != nullptr      ? &pushes_->parts()
                       : window_.issued() != 0 ? owner.parts(*this, window_.front())
                                               : nullptr);
    };
    if (parser_.idle()) choose_sink();
    const ProtocolFault fault =
        parser_.feed({buffer.data(), result.bytes}, [&](const Reply& reply, std::size_t consumed) {
          if (reply.is_push()) {
            before = consumed;
            unread_ = 0;
            if (pushes_ != nullptr) pushes_->pushed(reply, now_ns);
            choose_sink();
            return true;
          }
          if (window_.issued() == 0) {
            unexpected = true;
            return false;
          }
          const std::size_t bytes = unread_ + consumed - before;
          before = consumed;
          unread_ = 0;
          answered_ = true;
          owner.on_reply(*this, window_.front(), reply, bytes, now_ns);
          choose_sink();
          return true;
        });
    if (fault != ProtocolFault::none || unexpected) {
      return broken(
          describe_protocol(unexpected ? ProtocolFault::invalid : fault, stage(), address()));
    }
    unread_ += result.bytes - before;
    if (result.bytes < buffer.size() && !hung_up && !transport_->has_pending()) return true;
  }
}

template <typename Owner>
bool Connection::flush(Owner& owner, OutputBuffer& scratch, const TimeSource& clock) {
  constexpr std::size_t kLargestWrite = 256 << 10;
  const auto issue = [&](std::int64_t now_ns) {
    while (window_.any_to_issue() && issue_offset_ < written_) {
      InFlight& op = window_.next_to_issue();
      issue_offset_ = op.end_offset;
      op.sent_ns = now_ns;
      window_.mark_issued();
      owner.on_sent(*this, op);
    }
  };
  if (!leftover_.empty()) {
    const std::int64_t now_ns = clock.now_ns();
    if (!flush_leftover()) return false;
    issue(now_ns);
  }
  while (leftover_.empty() && !window_.all_encoded()) {
    scratch.clear();
    while (!window_.all_encoded() && scratch.size() < kLargestWrite) {
      InFlight& op = window_.next_to_encode();
      const std::size_t begin = scratch.size();
      owner.encode(*this, op, scratch);
      op.bytes_sent = static_cast<std::uint32_t>(scratch.size() - begin);
      op.end_offset = encoded_ + scratch.size();
    }
    encoded_ += scratch.size();
    const std::int64_t now_ns = clock.now_ns();
    const IoResult result = transport_->write(scratch.data(), scratch.size());
    if (result.status == IoStatus::failed || result.status == IoStatus::closed)
      return broken(result);
    written_ += result.bytes;
    if (result.bytes < scratch.size()) leftover_.append(scratch.view().substr(result.bytes));
    issue(now_ns);
  }
  return true;
}

}  // namespace redisload
