#include "redisload/net/control_connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <sys/un.h>

#include <cctype>

namespace redisload {
namespace {

constexpr std::string_view kContainers[] = {"CLIENT", "CONFIG", "CLUSTER", "COMMAND", "OBJECT", "MEMORY"};

// "CLIENT|SETNAME", as commandstats counts a subcommand.
std::string command_name(const std::vector<std::string>& words) {
  std::string name = words.front();
  for (const std::string_view container : kContainers) {
    if (name == container && words.size() > 1) return name + "|" + words[1];
  }
  return name;
}

std::string text_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  return reply.str == nullptr ? std::string() : std::string(reply.str, reply.len);
}

timeval to_timeval(Duration timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(timeout - seconds);
  return {static_cast<time_t>(seconds.count()), static_cast<suseconds_t>(rest.count())};
}

redisContext* open_context(const Address& address, Duration timeout) {
  const timeval limit = to_timeval(timeout);
  redisOptions options{};
  options.connect_timeout = &limit;
  options.command_timeout = &limit;
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  if (address.family() == AF_UNIX) {
    REDIS_OPTIONS_SET_UNIX(&options, address.text.c_str());
  } else {
    getnameinfo(address.raw(), address.size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    REDIS_OPTIONS_SET_TCP(&options, host, std::atoi(port));
  }
  return redisConnectWithOptions(&options);
}

using ReplyPointer = std::unique_ptr<redisReply, decltype([](redisReply* reply) { freeReplyObject(reply); })>;

}  // namespace

void ControlConnection::Closer::operator()(redisContext* context) const noexcept { redisFree(context); }

ControlConnection::ControlConnection(const Address& address, const TargetConfig& target, const std::string& name,
                                     Duration timeout)
    : context_(open_context(address, timeout)) {
  if (context_ == nullptr || context_->err != 0) {
    context_.reset();
    return;
  }
  fcntl(context_->fd, F_SETFD, FD_CLOEXEC);
  const Handshake handshake = make_handshake(target, name);
  redisAppendFormattedCommand(context_.get(), handshake.bytes.data(), handshake.bytes.size());
  for (const HandshakeStep& step : handshake.steps) ++sent_[step.command];
  for (std::size_t i = 0; i < handshake.steps.size(); ++i) {
    void* reply = nullptr;
    if (redisGetReply(context_.get(), &reply) != REDIS_OK) {
      context_.reset();
      return;
    }
    freeReplyObject(reply);
  }
}

ControlConnection::~ControlConnection() = default;

void ControlConnection::set_timeout(Duration timeout) {
  if (context_ != nullptr) redisSetTimeout(context_.get(), to_timeval(timeout));
}

void* ControlConnection::send(const std::vector<std::string>& words) {
  if (context_ == nullptr) return nullptr;
  std::vector<const char*> pointers;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    pointers.push_back(word.data());
    sizes.push_back(word.size());
  }
  ++sent_[command_name(words)];
  void* reply = redisCommandArgv(context_.get(), static_cast<int>(words.size()), pointers.data(), sizes.data());
  if (reply == nullptr) context_.reset();
  return reply;
}

std::optional<std::string> ControlConnection::ask(const std::vector<std::string>& words) {
  const ReplyPointer reply(static_cast<redisReply*>(send(words)));
  if (reply == nullptr || reply->type == REDIS_REPLY_ERROR || reply->type == REDIS_REPLY_NIL) return std::nullopt;
  return text_of(*reply);
}

std::map<std::string, std::string> ControlConnection::ask_pairs(const std::vector<std::string>& words) {
  std::map<std::string, std::string> pairs;
  const ReplyPointer reply(static_cast<redisReply*>(send(words)));
  if (reply == nullptr || (reply->type != REDIS_REPLY_ARRAY && reply->type != REDIS_REPLY_MAP)) return pairs;
  for (std::size_t i = 0; i + 1 < reply->elements; i += 2) {
    pairs[text_of(*reply->element[i])] = text_of(*reply->element[i + 1]);
  }
  return pairs;
}

std::map<std::string, std::string> ControlConnection::info() {
  std::map<std::string, std::string> fields;
  const auto text = ask({"INFO"});
  if (!text) return fields;
  std::size_t begin = 0;
  while (begin < text->size()) {
    std::size_t end = text->find("\r\n", begin);
    if (end == std::string::npos) end = text->size();
    const std::string_view line(text->data() + begin, end - begin);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && line.front() != '#') {
      fields.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
    begin = end + 2;
  }
  return fields;
}

}  // namespace redisload
