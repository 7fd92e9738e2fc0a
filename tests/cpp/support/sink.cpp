#include "support/sink.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <system_error>

#include "support/command_scan.hpp"

namespace redisload::test {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kReceiveBytes = 256 * 1024;
// What an event belongs to: clients are their numbers, the rest is above all of them.
constexpr std::uint64_t kListenerTag = 1ULL << 32;
constexpr std::uint64_t kTimerTag = kListenerTag + 1;
constexpr std::uint64_t kStopTag = kListenerTag + 2;
constexpr std::uint64_t kStdinTag = kListenerTag + 3;

std::int64_t now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kSecondNs + t.tv_nsec;
}

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

bool is(std::string_view word, std::string_view upper) {
  if (word.size() != upper.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) != upper[i]) return false;
  }
  return true;
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace

struct Sink::Client {
  int fd = -1;
  std::uint32_t number = 0;
  std::string partial;  // the beginning of a command whose rest is still to come
  std::string unsent;
  bool waits_for_room = false;
};

Sink::Sink(const SinkOptions& options) : options_(options), buffer_(kReceiveBytes) {
  // "foo" over and over: three bytes of it are what tools expect to see.
  std::string value;
  while (value.size() < options_.value_bytes) value += "foo";
  get_reply_ = bulk(std::string_view(value).substr(0, options_.value_bytes));
  if (!options_.log_path.empty()) log_ = std::make_unique<SinkLog>(options_.log_path);

  listener_ = checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  if (inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr) != 1) {
    throw std::invalid_argument("not an IPv4 address: " + options_.host);
  }
  checked(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  checked(listen(listener_, 4096), "listen");
  socklen_t length = sizeof address;
  checked(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  port_ = ntohs(address.sin_port);

  epoll_ = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  timer_ = checked(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create");
  stop_ = checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
  watch(listener_, kListenerTag, EPOLLIN);
  watch(timer_, kTimerTag, EPOLLIN);
  watch(stop_, kStopTag, EPOLLIN);
  if (options_.exit_with_stdin) watch(STDIN_FILENO, kStdinTag, EPOLLIN);
}

Sink::~Sink() {
  for (const auto& [number, client] : clients_) close(client->fd);
  for (const int fd : {listener_, epoll_, timer_, stop_}) {
    if (fd >= 0) close(fd);
  }
}

void Sink::stop() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(stop_, &one, sizeof one);
}

void Sink::watch(int fd, std::uint64_t tag, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void Sink::run() {
  std::array<epoll_event, 256> events{};
  while (!stopping_) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) checked(count, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      switch (event.data.u64) {
        case kListenerTag:
          accept_all();
          continue;
        case kTimerTag:
          release_due();
          continue;
        case kStopTag:
          stopping_ = true;
          continue;
        case kStdinTag: {
          char skipped[256];
          if (read(STDIN_FILENO, skipped, sizeof skipped) <= 0) stopping_ = true;
          continue;
        }
        default:
          break;
      }
      const auto found = clients_.find(static_cast<std::uint32_t>(event.data.u64));
      if (found == clients_.end()) continue;
      Client& client = *found->second;
      const bool open = client.waits_for_room ? flush(client) : receive(client);
      if (!open) close_client(client.number);
    }
  }
  if (log_) log_->flush();
}

void Sink::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto client = std::make_unique<Client>();
    client->fd = fd;
    client->number = accepted_++;
    if (log_) log_->write(SinkEvent::connect, now(), client->number);
    watch(fd, client->number, EPOLLIN);
    clients_.emplace(client->number, std::move(client));
  }
}

// False: the connection is over.
bool Sink::receive(Client& client) {
  const ssize_t got = recv(client.fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  const std::int64_t now_ns = log_ || options_.delay_ns > 0 ? now() : 0;
  const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
  try {
    if (client.partial.empty()) {
      handle(client, bytes, now_ns);
    } else {
      std::string joined = std::move(client.partial);
      joined.append(bytes);
      client.partial.clear();
      handle(client, joined, now_ns);
    }
  } catch (const std::runtime_error&) {
    return false;
  }
  return options_.delay_ns > 0 || flush(client);
}

// Answers every command that is there in whole; keeps the rest. With a delay the replies of one
// receipt are put by together, as they came at one time.
void Sink::handle(Client& client, std::string_view bytes, std::int64_t now_ns) {
  std::string sent_before;
  if (options_.delay_ns > 0) std::swap(sent_before, client.unsent);
  while (!bytes.empty()) {
    const ScannedCommand command = scan_command(bytes);
    if (command.size == 0) break;
    if (log_) {
      const std::string_view whole = bytes.substr(0, command.size);
      log_->write(SinkEvent::command, now_ns, client.number, whole);
      if (is(command.name, "CLIENT") && is(command.first, "SETNAME")) {
        log_->write(SinkEvent::name, now_ns, client.number, command.second);
      }
    }
    answer(client, command.name);
    bytes.remove_prefix(command.size);
  }
  client.partial.assign(bytes);
  if (options_.delay_ns == 0) return;
  std::swap(sent_before, client.unsent);
  if (sent_before.empty()) return;
  delayed_.push_back({now_ns + options_.delay_ns, client.number, std::move(sent_before)});
  if (delayed_.size() == 1) arm_timer();
}

void Sink::answer(Client& client, std::string_view name) {
  std::string& out = client.unsent;
  constexpr std::array<std::string_view, 11> kIntegers{"INCR",   "DEL",    "UNLINK", "DBSIZE",
                                                       "EXISTS", "INCRBY", "LPUSH",  "RPUSH",
                                                       "SADD",   "HSET",   "ZADD"};
  if (is(name, "SET")) {
    out += "+OK\r\n";
  } else if (is(name, "GET") || is(name, "HGET")) {
    out += get_reply_;
  } else if (is(name, "PING")) {
    out += "+PONG\r\n";
  } else if (is(name, "HELLO")) {
    out += "-ERR unknown command 'HELLO'\r\n";
  } else if (is(name, "INFO")) {
    out += bulk(info());
  } else if (is(name, "CONFIG") || is(name, "COMMAND")) {
    out += "*0\r\n";
  } else {
    for (const std::string_view integer : kIntegers) {
      if (is(name, integer)) {
        out += ":1\r\n";
        return;
      }
    }
    out += "+OK\r\n";
  }
}

std::string Sink::info() const {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    const std::string micros = std::to_string(t.tv_usec);
    return std::to_string(t.tv_sec) + "." + std::string(6 - micros.size(), '0') + micros;
  };
  return "# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\nprocess_id:" +
         std::to_string(getpid()) + "\r\ntcp_port:" + std::to_string(port_) +
         "\r\n# Clients\r\nconnected_clients:" + std::to_string(clients_.size()) +
         "\r\n# CPU\r\nused_cpu_sys:" + seconds(used.ru_stime) +
         "\r\nused_cpu_user:" + seconds(used.ru_utime) + "\r\n";
}

void Sink::release_due() {
  std::uint64_t expirations = 0;
  [[maybe_unused]] const auto got = read(timer_, &expirations, sizeof expirations);
  const std::int64_t now_ns = now();
  while (!delayed_.empty() && delayed_.front().due_ns <= now_ns) {
    Delayed delayed = std::move(delayed_.front());
    delayed_.pop_front();
    const auto found = clients_.find(delayed.client);
    if (found == clients_.end()) continue;
    found->second->unsent += delayed.replies;
    if (!flush(*found->second)) close_client(delayed.client);
  }
  arm_timer();
}

void Sink::arm_timer() {
  if (delayed_.empty()) return;
  itimerspec at{};
  at.it_value.tv_sec = delayed_.front().due_ns / kSecondNs;
  at.it_value.tv_nsec = delayed_.front().due_ns % kSecondNs;
  checked(timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr), "timerfd_settime");
}

// False: the connection is over.
bool Sink::flush(Client& client) {
  if (client.unsent.empty()) return true;
  const ssize_t sent = send(client.fd, client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
  if (sent > 0) client.unsent.erase(0, static_cast<std::size_t>(sent));
  // A client that does not read its replies is not read from either.
  const bool waits = !client.unsent.empty();
  if (waits != client.waits_for_room) {
    client.waits_for_room = waits;
    epoll_event event{};
    event.events = waits ? EPOLLOUT : EPOLLIN;
    event.data.u64 = client.number;
    checked(epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event), "epoll_ctl");
  }
  return true;
}

void Sink::close_client(std::uint32_t number) {
  const auto found = clients_.find(number);
  if (log_) log_->write(SinkEvent::disconnect, now(), number);
  close(found->second->fd);
  clients_.erase(found);
}

}  // namespace redisload::test
