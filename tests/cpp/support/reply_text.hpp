// Random RESP replies for tests, each with what a parser has to say about it. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "redisload/base/random.hpp"
#include "redisload/base/reply.hpp"

namespace redisload::test {

// A Reply that owns its text.
struct ExpectedReply {
  char type = 0;
  bool nil = false;
  std::int64_t number = 0;
  std::string text;

  static ExpectedReply of(const Reply& reply) {
    return {reply.type, reply.nil, reply.number, std::string(reply.text)};
  }
  friend bool operator==(const ExpectedReply&, const ExpectedReply&) = default;
};

struct GeneratedReply {
  std::string bytes;
  ExpectedReply expected;
};

class ReplyGenerator {
 public:
  // types: the type bytes to draw from; '|' puts attributes before a value now and then.
  ReplyGenerator(std::uint64_t seed, std::string types) : random_(seed), types_(std::move(types)) {}

  GeneratedReply next() { return value(0); }

 private:
  static constexpr int kDeepest = 6;

  GeneratedReply value(int depth) {
    char type = types_[random_.below(types_.size())];
    if (type == '|') {
      GeneratedReply behind = value(depth);
      if (depth < kDeepest) behind.bytes = elements('|', random_.below(3), 2, depth) + behind.bytes;
      return behind;
    }
    const bool aggregate = std::string_view("*~%>").find(type) != std::string_view::npos;
    if (aggregate && (depth == kDeepest || random_.below(4) == 0)) type = ':';
    return aggregate && type != ':' ? aggregate_of(type, depth) : scalar(type);
  }

  GeneratedReply aggregate_of(char type, int depth) {
    if (type == '*' && random_.below(8) == 0) return {"*-1\r\n", {'*', true, -1, {}}};
    const std::uint64_t count = random_.below(5);
    return {elements(type, count, type == '%' ? 2 : 1, depth),
            {type, false, static_cast<std::int64_t>(count), {}}};
  }

  std::string elements(char type, std::uint64_t count, std::uint64_t each, int depth) {
    std::string bytes = std::string(1, type) + std::to_string(count) + "\r\n";
    for (std::uint64_t i = 0; i < count * each; ++i) bytes += value(depth + 1).bytes;
    return bytes;
  }

  GeneratedReply scalar(char type) {
    switch (type) {
      case '$':
        return random_.below(6) == 0 ? GeneratedReply{"$-1\r\n", {'$', true, -1, {}}}
                                     : blob('$', binary());
      case '=':
        return blob('=', "txt:" + binary());
      case '!': {
        const std::string text = binary();
        GeneratedReply reply = blob('!', text);
        reply.expected.text = text.substr(0, Reply::kTextLimit);
        return reply;
      }
      case '+':
      case '-': {
        const std::string text = printable();
        return {type + text + "\r\n", {type, false, 0, text.substr(0, Reply::kTextLimit - 1)}};
      }
      case ',':
      case '(': {
        const std::string text =
            type == ',' ? number(1'000) + ".25" : number(1'000'000'000) + "000000000000000000";
        return {type + text + "\r\n", {type, false, 0, text}};
      }
      case '#': {
        const bool truth = random_.below(2) == 1;
        return {truth ? "#t\r\n" : "#f\r\n", {'#', false, truth ? 1 : 0, {}}};
      }
      case '_':
        return {"_\r\n", {'_', true, 0, {}}};
      default: {
        const std::int64_t value = integer();
        return {":" + std::to_string(value) + "\r\n", {':', false, value, {}}};
      }
    }
  }

  static GeneratedReply blob(char type, const std::string& payload) {
    const auto size = static_cast<std::int64_t>(payload.size());
    return {type + std::to_string(size) + "\r\n" + payload + "\r\n", {type, false, size, {}}};
  }

  // Integers of every length, the extremes among them.
  std::int64_t integer() {
    const std::uint64_t bits = random_.next() >> random_.below(64);
    if (random_.below(40) == 0) return random_.below(2) == 0 ? INT64_MAX : INT64_MIN;
    const auto value = static_cast<std::int64_t>(bits >> 1);
    return random_.below(3) == 0 ? -value : value;
  }
  std::string number(std::uint64_t below) { return std::to_string(1 + random_.below(below)); }
  // What looks like protocol but is payload.
  std::string binary() {
    std::string bytes;
    for (std::uint64_t left = random_.below(5) == 0 ? random_.below(600) : random_.below(12);
         left != 0; --left) {
      bytes += random_.below(3) == 0 ? "\r\n$*:-+"[random_.below(7)]
                                     : static_cast<char>(random_.below(256));
    }
    return bytes;
  }
  std::string printable() {
    std::string text;
    for (std::uint64_t left = random_.below(8) == 0 ? random_.below(400) : random_.below(20);
         left != 0; --left) {
      text += static_cast<char>(' ' + random_.below(95));
    }
    return text;
  }

  Random random_;
  std::string types_;
};

}  // namespace redisload::test
