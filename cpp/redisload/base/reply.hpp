// A server's reply as the engine looks at it: its type, its error text, whether it was nil, its
// length. Payloads are skipped, not kept (a ReplySink sees them where somebody needs them).
#pragma once

#include <cstdint>
#include <string_view>

namespace redisload {

struct Reply {
  // RESP2 and RESP3 type bytes: + - : $ * _ , # ( ! = % ~ > (attributes '|' are skipped).
  char type = 0;
  bool nil = false;
  // The integer of ':', the payload length of '$' '=' '!', the element count of '*' '~' '%' '>'.
  std::int64_t number = 0;
  // The text of '-' and '!' (its first kTextLimit bytes) and of '+'; valid during the call only.
  std::string_view text;

  static constexpr std::size_t kTextLimit = 160;

  bool is_error() const noexcept { return type == '-' || type == '!'; }
  bool is_push() const noexcept { return type == '>'; }
};

// Sees the parts of one reply as they arrive; chunks are views into the receive buffer.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void element(char type, std::int64_t number, bool nil, int depth) = 0;
  virtual void bytes(std::string_view chunk) = 0;
};

// Takes what the server sends unasked on a connection (RESP3 pushes): messages of subscriptions.
class PushHandler {
 public:
  virtual ~PushHandler() = default;
  // Sees the parts of every push.
  virtual ReplySink& parts() = 0;
  // At its end. True: it confirmed a subscription.
  virtual bool pushed(const Reply& push, std::int64_t now_ns) = 0;
};

}  // namespace redisload
