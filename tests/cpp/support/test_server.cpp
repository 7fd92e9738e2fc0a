#include "support/test_server.hpp"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "redisload/base/time_source.hpp"

namespace redisload::test {
namespace {

int listen_on_loopback(std::uint16_t& port, bool listening) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (descriptor < 0 || bind(descriptor, raw, size) != 0 ||
      (listening && listen(descriptor, 4096) != 0) || getsockname(descriptor, raw, &size) != 0) {
    throw std::runtime_error("no listening socket for the test");
  }
  port = ntohs(address.sin_port);
  return descriptor;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

constexpr std::array<std::string_view, 8> kNoOperations = {"CLIENT", "AUTH", "HELLO",  "SELECT",
                                                           "PING",   "INFO", "CONFIG", "DBSIZE"};

}  // namespace

struct TestServer::Client {
  explicit Client(int fd, std::uint32_t n)
      : descriptor(fd), number(n), reader(redisReaderCreate(), redisReaderFree) {}
  ~Client() { shut(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  bool open() const { return descriptor >= 0; }
  void shut() {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }

  int descriptor;
  std::uint32_t number;
  std::string name;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader;
  std::int64_t answers_until_ns = 0;  // no later answer before this
};

TestServer::Answer TestServer::usual(const Command& command) {
  const std::string& name = command.words.front();
  if (name == "GET") return {"$3\r\nfoo\r\n", false, {}};
  if (name == "INCR" || name == "DEL" || name == "UNLINK") return {":1\r\n", false, {}};
  if (name == "DBSIZE") return {":1000000\r\n", false, {}};
  if (name == "PING") return {"+PONG\r\n", false, {}};
  if (name == "CONFIG") return {"*0\r\n", false, {}};
  if (name == "INFO") return {"$22\r\nredis_version:7.0.15\r\n\r\n", false, {}};
  return {"+OK\r\n", false, {}};
}

TestServer::TestServer(Handler handler)
    : handler_(std::move(handler)),
      listener_(listen_on_loopback(port_, true)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { serve(); });
}

TestServer::~TestServer() {
  stop_ = true;
  wake();
  thread_.join();
  ::close(listener_);
  ::close(wake_);
}

TargetConfig TestServer::target() const {
  TargetConfig target;
  target.port = port_;
  return target;
}

std::map<std::string, std::uint64_t> TestServer::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

std::map<std::string, std::vector<std::string>> TestServer::streams() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}

std::uint32_t TestServer::accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

void TestServer::freeze(bool frozen) {
  frozen_ = frozen;
  wake();
}

void TestServer::close_all() {
  close_all_ = true;
  wake();
}

void TestServer::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto ignored = write(wake_, &one, sizeof one);
}

void TestServer::serve() {
  while (!stop_) {
    std::vector<pollfd> polled{{wake_, POLLIN, 0}};
    const bool frozen = frozen_;
    const std::vector<std::shared_ptr<Client>> clients = clients_;
    if (!frozen) {
      polled.push_back({listener_, POLLIN, 0});
      for (const auto& client : clients) polled.push_back({client->descriptor, POLLIN, 0});
    }
    const std::int64_t now_ns = MonotonicClock().now_ns();
    int timeout_ms = -1;
    if (!frozen && !late_.empty())
      timeout_ms = static_cast<int>(
          std::max<std::int64_t>(0, late_.begin()->first - now_ns) / kMillisecond + 1);
    poll(polled.data(), polled.size(), timeout_ms);
    std::uint64_t drained = 0;
    [[maybe_unused]] const auto ignored = read(wake_, &drained, sizeof drained);
    if (close_all_.exchange(false)) clients_.clear();
    if (frozen || frozen_ || stop_) continue;
    if (polled[1].revents != 0) accept_one();
    for (std::size_t i = 2; i < polled.size(); ++i) {
      if (polled[i].revents != 0 && clients[i - 2]->open()) receive(clients[i - 2]);
    }
    send_due(MonotonicClock().now_ns());
    std::erase_if(clients_, [](const auto& client) { return !client->open(); });
  }
}

void TestServer::accept_one() {
  for (;;) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    clients_.push_back(std::make_shared<Client>(descriptor, accepted_++));
  }
}

void TestServer::receive(const std::shared_ptr<Client>& client) {
  std::array<char, 64 << 10> buffer;
  const auto got = recv(client->descriptor, buffer.data(), buffer.size(), 0);
  if (got <= 0) return client->shut();
  redisReaderFeed(client->reader.get(), buffer.data(), static_cast<std::size_t>(got));
  while (client->open()) {
    void* raw = nullptr;
    if (redisReaderGetReply(client->reader.get(), &raw) != REDIS_OK) return client->shut();
    if (raw == nullptr) return;
    const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(raw),
                                                             freeReplyObject);
    Command command;
    command.connection = client->number;
    command.operations = operations_;
    for (std::size_t i = 0; i < reply->elements; ++i)
      command.words.emplace_back(reply->element[i]->str, reply->element[i]->len);
    handle(client, std::move(command));
  }
}

void TestServer::handle(const std::shared_ptr<Client>& client, Command command) {
  const std::string& first = command.words.front();
  command.is_operation =
      std::find(kNoOperations.begin(), kNoOperations.end(), first) == kNoOperations.end();
  if (command.is_operation) ++operations_;
  {
    const std::lock_guard lock(mutex_);
    const bool contained = first == "CLIENT" || first == "CONFIG";
    ++commands_[contained ? first + "|" + command.words.at(1) : first];
    if (command.is_operation) streams_[client->name].push_back(joined(command.words));
  }
  if (first == "CLIENT" && command.words.at(1) == "SETNAME") client->name = command.words.at(2);
  Answer answer = handler_(command);
  const std::int64_t now_ns = MonotonicClock().now_ns();
  const std::int64_t due_ns = std::max(client->answers_until_ns, now_ns + answer.delay.count());
  if (due_ns <= now_ns) return send(*client, answer);
  client->answers_until_ns = due_ns;
  late_.emplace(due_ns, Late{client, std::move(answer)});
}

void TestServer::send_due(std::int64_t now_ns) {
  while (!late_.empty() && late_.begin()->first <= now_ns) {
    const Late late = std::move(late_.extract(late_.begin()).mapped());
    if (late.client->open()) send(*late.client, late.answer);
  }
}

void TestServer::send(Client& client, const Answer& answer) {
  if (!answer.bytes.empty()) {
    [[maybe_unused]] const auto ignored =
        ::send(client.descriptor, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
  }
  if (answer.close) client.shut();
}

std::uint16_t refused_port() {
  std::uint16_t port = 0;
  ::close(listen_on_loopback(port, false));
  return port;
}

}  // namespace redisload::test
