#include "redisload/net/reply_tree.hpp"

#include <utility>

namespace redisload {

std::string ReplyTree::as_text() const {
  constexpr std::size_t kFormat = 4;  // "txt:"
  if (type == ':' || type == '#') return std::to_string(number);
  return type == '=' && text.size() >= kFormat ? text.substr(kFormat) : text;
}

void ReplyTreeBuilder::start() {
  drop();
  kept_bytes_ = 0;
}

void ReplyTreeBuilder::drop() {
  root_ = {};
  path_.clear();
  attribute_depth_ = -1;
  keep_ = false;
  kept_bytes_ -= reply_bytes_;
  reply_bytes_ = 0;
}

ReplyTree ReplyTreeBuilder::take() {
  ReplyTree taken = std::move(root_);
  reply_bytes_ = 0;
  drop();
  return taken;
}

void ReplyTreeBuilder::element(char type, std::int64_t number, bool nil, int depth) {
  keep_ = false;
  if (attribute_depth_ >= 0 && depth > attribute_depth_) return;
  attribute_depth_ = type == '|' ? depth : -1;
  if (type == '|' || too_large()) return;
  kept_bytes_ += sizeof(ReplyTree);
  reply_bytes_ += sizeof(ReplyTree);
  path_.resize(static_cast<std::size_t>(depth));
  ReplyTree* node = &root_;
  // Growing a vector moves what earlier elements of this depth point to; their parents stay.
  if (depth != 0) node = &path_.back()->children.emplace_back();
  *node = {type, nil, type == ':' || type == '#' ? number : 0, {}, {}};
  path_.push_back(node);
  keep_ = !node->is_aggregate();
}

void ReplyTreeBuilder::bytes(std::string_view chunk) {
  if (!keep_ || too_large()) return;
  path_.back()->text.append(chunk);
  kept_bytes_ += chunk.size();
  reply_bytes_ += chunk.size();
}

}  // namespace redisload
