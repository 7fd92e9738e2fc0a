// A RESP server for tests and benchmarks: it keeps nothing and answers every command at once, or a
// fixed time after it came, and can log what it received and when. One thread, one epoll loop.
//
//   PING          +PONG            GET, HGET        a bulk string of value_bytes
//   SET and others +OK             INCR, DEL, …     :1
//   HELLO         an error         INFO             a few lines, its own CPU time among them
//   CONFIG, COMMAND  an empty array
//
// It closes a connection that sends anything but RESP arrays of bulk strings or inline commands.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "support/sink_log.hpp"

namespace redisload::test {

struct SinkOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;        // 0: a free one
  std::int64_t delay_ns = 0;     // from the receipt of a command to the sending of its reply
  std::size_t value_bytes = 3;   // what GET answers
  std::string log_path;          // empty: nothing is logged
  bool exit_with_stdin = false;  // run() returns when standard input ends
};

class Sink {
 public:
  // Listens from here on. Throws std::system_error.
  explicit Sink(const SinkOptions& options);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  std::uint16_t port() const noexcept { return port_; }

  // Serves until stop(); writes the log out. Called once, by the thread that serves.
  void run();

  // Any thread, and signal handlers.
  void stop() noexcept;

 private:
  struct Client;
  struct Delayed {
    std::int64_t due_ns;
    std::uint32_t client;
    std::string replies;
  };

  void watch(int fd, std::uint64_t tag, std::uint32_t events);
  void accept_all();
  bool receive(Client& client);
  void handle(Client& client, std::string_view bytes, std::int64_t now_ns);
  void answer(Client& client, std::string_view name);
  void release_due();
  void arm_timer();
  bool flush(Client& client);
  void close_client(std::uint32_t number);
  std::string info() const;

  SinkOptions options_;
  std::string get_reply_;
  int listener_ = -1;
  int epoll_ = -1;
  int timer_ = -1;
  int stop_ = -1;
  std::uint16_t port_ = 0;
  bool stopping_ = false;
  std::uint32_t accepted_ = 0;
  std::vector<char> buffer_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Client>> clients_;
  std::deque<Delayed> delayed_;  // in order of due time: the delay is one for all
  std::unique_ptr<SinkLog> log_;
};

}  // namespace redisload::test
