// Reads RESP2 and RESP3 replies from a stream of chunks without keeping payloads and without
// allocating: a reply of any size costs no memory. Knows no socket. Used by one thread.
//
// Why not hiredis' redisReader here: it buffers a whole bulk before it reports its length, so a
// header of 99,999,999,999,999 bytes is only noticed when memory is gone (MEASURING R24), and it
// copies every byte once. Tests hold this parser against redisReader reply by reply.
// Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "redisload/base/reply.hpp"

namespace redisload {

enum class ProtocolFault : std::uint8_t { none, invalid, too_large, nesting };

class ReplyParser {
 public:
  static constexpr std::int64_t kLargestBulk = 512LL << 20;
  static constexpr std::int64_t kLargestAggregate = 1LL << 32;
  static constexpr std::size_t kLongestLine = 1 << 20;
  static constexpr int kDeepestNesting = 32;

  // Consumes all of `chunk`; calls on_reply(const Reply&, size_t consumed) at the last byte of
  // every complete top-level reply; consumed counts the chunk's bytes up to there. on_reply returns
  // false to stop early: the rest of the chunk is dropped. Returns none, or what is wrong with the
  // bytes; after a fault only reset() helps.
  template <typename OnReply>
  ProtocolFault feed(std::string_view chunk, OnReply&& on_reply) {
    const char* at = chunk.data();
    const char* const end = at + chunk.size();
    while (at != end) {
      if (!step(at, end)) return fault_;
      if (complete_) {
        complete_ = false;
        if (!on_reply(static_cast<const Reply&>(top_), static_cast<std::size_t>(at - chunk.data())))
          return ProtocolFault::none;
      }
    }
    return ProtocolFault::none;
  }

  // Who sees the parts of the replies from here on; null: nobody (the default).
  void set_sink(ReplySink* sink) noexcept { sink_ = sink; }
  void reset() noexcept;
  // True between replies.
  bool idle() const noexcept {
    return depth_ == 0 && line_size_ == 0 && !in_payload_ && fault_ == ProtocolFault::none;
  }

 private:
  struct Frame {
    std::int64_t left;
    bool attribute;  // RESP3 attributes stand before the value that counts
  };

  // Consumes one header or one piece of a payload; sets complete_ at the end of a reply.
  bool step(const char*& at, const char* end);
  bool header(const char*& at, const char* end);
  bool split_line(const char*& at, const char* end);
  bool line(std::string_view text, std::size_t full_size);
  bool aggregate(char type, std::int64_t count);
  bool bulk(char type, std::int64_t length);
  bool payload(const char*& at, const char* end);
  bool element(char type, std::int64_t number, bool nil, std::string_view text);
  void element_done();
  bool wrong(ProtocolFault fault) noexcept {
    fault_ = fault;
    return false;
  }

  Reply top_;
  ReplySink* sink_ = nullptr;
  std::int64_t payload_left_ = 0;  // without its CRLF
  std::array<Frame, kDeepestNesting> frames_{};
  int depth_ = 0;
  ProtocolFault fault_ = ProtocolFault::none;
  bool complete_ = false;
  bool in_payload_ = false;
  bool keep_payload_ = false;   // the text of a RESP3 blob error
  std::uint8_t trailer_ = 0;    // bytes of the payload's CRLF seen
  std::size_t line_total_ = 0;  // length of a line that is cut by the end of a chunk
  std::size_t line_size_ = 0;   // how much of it is kept
  char line_last_ = 0;
  std::array<char, Reply::kTextLimit> line_{};
};

}  // namespace redisload
