// A whole reply as a value, nested as the server sent it, for the questions of a control
// connection; the load itself never keeps a reply. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/base/reply.hpp"

namespace redisload {

struct ReplyTree {
  char type = 0;  // as in Reply; 0: there was no reply
  bool nil = false;
  std::int64_t number = 0;  // of ':' and '#'
  std::string text;         // of strings, statuses, errors, doubles and big numbers
  // Of arrays, sets and pushes; of maps each key before its value.
  std::vector<ReplyTree> children;

  bool is_error() const noexcept { return type == '-' || type == '!'; }
  bool is_aggregate() const noexcept {
    return type == '*' || type == '%' || type == '~' || type == '>';
  }
  // Of anything that is not an aggregate, numbers in digits; a verbatim string without its format.
  std::string as_text() const;
};

// Builds the tree of the reply that arrives, without its attributes, and stops at a limit: a broken
// server cannot make it keep more.
class ReplyTreeBuilder final : public ReplySink {
 public:
  explicit ReplyTreeBuilder(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  void element(char type, std::int64_t number, bool nil, int depth) override;
  void bytes(std::string_view chunk) override;

  // The reply so far; the next one begins with nothing.
  ReplyTree take();
  // Forgets the reply so far, and what was counted of it.
  void drop();
  // Something had to be left out: more than the limit since start().
  bool too_large() const noexcept { return kept_bytes_ > limit_bytes_; }
  // Counts from nothing: the limit holds for all replies until the next call.
  void start();

 private:
  const std::size_t limit_bytes_;
  ReplyTree root_;
  std::vector<ReplyTree*> path_;  // the latest element of each depth
  int attribute_depth_ = -1;      // elements below this depth belong to an attribute; −1: to none
  bool keep_ = false;             // bytes belong to the last element of path_
  std::size_t kept_bytes_ = 0;
  std::size_t reply_bytes_ = 0;  // of root_
};

}  // namespace redisload
