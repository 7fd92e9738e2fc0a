// A server inside the test's own process, for what a sink does not do: answers, delays, closes and
// silences that a test decides on, command by command. One thread; loopback; a free port.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "redisload/config/run_config.hpp"

namespace redisload::test {

class TestServer {
 public:
  struct Command {
    std::uint32_t connection = 0;  // from 0, in the order of accepting
    std::uint64_t operations =
        0;  // received before this one on all connections, handshakes and questions left out
    bool is_operation = false;  // none of CLIENT, AUTH, HELLO, SELECT, PING, INFO, CONFIG, DBSIZE
    std::vector<std::string> words;
  };
  struct Answer {
    std::string bytes;
    bool close = false;  // after them
    Duration delay{0};   // later answers of the connection wait too
  };
  // Called by the server's thread.
  using Handler = std::function<Answer(const Command&)>;

  // What a real server would answer, about; GET finds a value of three bytes.
  static Answer usual(const Command& command);

  explicit TestServer(Handler handler = usual);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  TargetConfig target() const;
  std::uint16_t port() const noexcept { return port_; }
  // Received so far, by name as commandstats has it: "GET", "CLIENT|SETNAME".
  std::map<std::string, std::uint64_t> commands() const;
  // What each connection sent after its CLIENT SETNAME, by that name; words joined by spaces.
  std::map<std::string, std::vector<std::string>> streams() const;
  std::uint32_t accepted() const;
  // Any thread: nothing is read, answered or accepted while frozen.
  void freeze(bool frozen);
  // Any thread: every connection is closed.
  void close_all();

 private:
  struct Client;
  struct Late {
    std::shared_ptr<Client> client;
    Answer answer;
  };

  void serve();
  void accept_one();
  void receive(const std::shared_ptr<Client>& client);
  void handle(const std::shared_ptr<Client>& client, Command command);
  void send_due(std::int64_t now_ns);
  void send(Client& client, const Answer& answer);
  void wake() const;

  const Handler handler_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  std::vector<std::shared_ptr<Client>> clients_;
  std::multimap<std::int64_t, Late> late_;
  std::uint64_t operations_ = 0;
  std::atomic<bool> stop_{false}, frozen_{false}, close_all_{false};
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::uint64_t> commands_;
  std::map<std::string, std::vector<std::string>> streams_;
  std::uint32_t accepted_ = 0;
  std::thread thread_;
};

// A port on which nobody listens.
std::uint16_t refused_port();

}  // namespace redisload::test
