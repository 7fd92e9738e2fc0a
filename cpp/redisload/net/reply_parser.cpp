#include "redisload/net/reply_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace redisload {
namespace {

// The integer of a header: an optional sign and digits, nothing else.
ProtocolFault read_integer(std::string_view text, std::int64_t& value) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return ProtocolFault::invalid;
  }
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (rest != end) return ProtocolFault::invalid;
  if (error == std::errc()) return ProtocolFault::none;
  const bool large = error == std::errc::result_out_of_range && text.front() != '-';
  return large ? ProtocolFault::too_large : ProtocolFault::invalid;
}

constexpr std::string_view kTypes = "+-:$*_,#(!=%~>|";
constexpr std::string_view kNumbered = ":$!=*~>%|";  // types whose line is a number

constexpr bool is_text_line(char type) {
  return type == '+' || type == '-' || type == ',' || type == '(' || type == '#' || type == '_';
}

}  // namespace

void ReplyParser::reset() noexcept {
  ReplySink* sink = sink_;
  *this = ReplyParser();
  sink_ = sink;
}

bool ReplyParser::step(const char*& at, const char* end) {
  if (fault_ != ProtocolFault::none) return false;
  if (in_payload_) return payload(at, end);
  if (line_total_ != 0) return split_line(at, end);
  return header(at, end);
}

// A header that lies whole in the chunk, the usual case; numbers are read in place.
bool ReplyParser::header(const char*& at, const char* end) {
  const char type = *at;
  if (type == '$' || type == ':' || type == '*') {
    const char* p = at + 1;
    std::int64_t value = 0;
    while (p != end && static_cast<unsigned char>(*p - '0') < 10 && p - at < 18)
      value = value * 10 + (*p++ - '0');
    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n' && p - at > 1) [[likely]] {
      at = p + 2;
      if (type == ':') return element(type, value, false, {});
      return type == '$' ? bulk(type, value) : aggregate(type, value);
    }
  }
  const auto* newline =
      static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  if (newline == nullptr || newline - at > static_cast<std::ptrdiff_t>(Reply::kTextLimit))
    return split_line(at, end);
  const std::string_view text(at, static_cast<std::size_t>(newline - at));
  at = newline + 1;
  if (!text.ends_with('\r')) return wrong(ProtocolFault::invalid);
  return line(text.substr(0, text.size() - 1), text.size() - 1);
}

// A line that a chunk's end cuts, or a long one: its beginning is kept, its end is waited for.
bool ReplyParser::split_line(const char*& at, const char* end) {
  const auto* newline =
      static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  const char* const stop = newline == nullptr ? end : newline;
  const auto size = static_cast<std::size_t>(stop - at);
  const std::size_t kept = std::min(size, line_.size() - line_size_);
  std::memcpy(line_.data() + line_size_, at, kept);
  line_size_ += kept;
  line_total_ += size;
  if (size != 0) line_last_ = stop[-1];
  at = newline == nullptr ? end : newline + 1;
  if (line_total_ > kLongestLine) return wrong(ProtocolFault::too_large);
  // Numbers are short: garbage without a line end is not waited for.
  if (line_total_ > 64 && line_size_ != 0 && !is_text_line(line_[0]))
    return wrong(ProtocolFault::invalid);
  if (line_size_ != 0 && kTypes.find(line_[0]) == std::string_view::npos)
    return wrong(ProtocolFault::invalid);
  if (newline == nullptr) return true;
  if (line_total_ == 0 || line_last_ != '\r') return wrong(ProtocolFault::invalid);
  const std::size_t full_size = line_total_ - 1;
  const std::string_view text(line_.data(), std::min(full_size, line_size_));
  line_total_ = line_size_ = 0;
  return line(text, full_size);
}

bool ReplyParser::line(std::string_view text, std::size_t full_size) {
  if (text.empty()) return wrong(ProtocolFault::invalid);
  const char type = text.front();
  text.remove_prefix(1);
  std::int64_t number = 0;
  switch (type) {
    case '+':
    case '-':
    case ',':
    case '(':
      return element(type, 0, false, text);
    case '_':
      return full_size == 1 ? element(type, 0, true, {}) : wrong(ProtocolFault::invalid);
    case '#':
      if (text != "t" && text != "f") return wrong(ProtocolFault::invalid);
      return element(type, text == "t" ? 1 : 0, false, {});
    default:
      break;
  }
  if (kNumbered.find(type) == std::string_view::npos) return wrong(ProtocolFault::invalid);
  if (const ProtocolFault fault = read_integer(text, number); fault != ProtocolFault::none) {
    return wrong(type == ':' ? ProtocolFault::invalid
                             : fault);  // a length that no 64 bits hold is too large
  }
  if (type == ':') return element(type, number, false, {});
  if (number < -1) return wrong(ProtocolFault::invalid);
  if (number == -1) {
    return type == '$' || type == '*' ? element(type, -1, true, {}) : wrong(ProtocolFault::invalid);
  }
  return type == '$' || type == '!' || type == '=' ? bulk(type, number) : aggregate(type, number);
}

bool ReplyParser::aggregate(char type, std::int64_t count) {
  if (count > kLargestAggregate) return wrong(ProtocolFault::too_large);
  if (depth_ == 0 && type != '|') top_ = Reply{type, false, count, {}};
  if (sink_ != nullptr) sink_->element(type, count, false, depth_);
  const std::int64_t elements = type == '%' || type == '|' ? 2 * count : count;
  if (elements == 0) {
    if (type != '|') element_done();
    return true;
  }
  if (depth_ == kDeepestNesting) return wrong(ProtocolFault::nesting);
  frames_[static_cast<std::size_t>(depth_++)] = Frame{elements, type == '|'};
  return true;
}

bool ReplyParser::bulk(char type, std::int64_t length) {
  if (length > kLargestBulk) return wrong(ProtocolFault::too_large);
  if (depth_ == 0) top_ = Reply{type, false, length, {}};
  if (sink_ != nullptr) sink_->element(type, length, false, depth_);
  keep_payload_ = depth_ == 0 && type == '!';
  payload_left_ = length;
  trailer_ = 0;
  in_payload_ = true;
  return true;
}

bool ReplyParser::payload(const char*& at, const char* end) {
  if (payload_left_ != 0) {
    const auto size = static_cast<std::size_t>(std::min<std::int64_t>(payload_left_, end - at));
    if (sink_ != nullptr) sink_->bytes({at, size});
    if (keep_payload_) [[unlikely]] {
      const std::size_t kept = std::min(size, line_.size() - line_size_);
      std::memcpy(line_.data() + line_size_, at, kept);
      line_size_ += kept;
    }
    at += size;
    payload_left_ -= static_cast<std::int64_t>(size);
  }
  while (payload_left_ == 0 && at != end) {
    if (*at++ != (trailer_ == 0 ? '\r' : '\n')) return wrong(ProtocolFault::invalid);
    if (++trailer_ == 2) {
      in_payload_ = false;
      if (keep_payload_) {
        top_.text = {line_.data(), line_size_};
        line_size_ = 0;
        keep_payload_ = false;
      }
      element_done();
      return true;
    }
  }
  return true;
}

bool ReplyParser::element(char type, std::int64_t number, bool nil, std::string_view text) {
  if (depth_ == 0) top_ = Reply{type, nil, number, text};
  if (sink_ != nullptr) {
    sink_->element(type, number, nil, depth_);
    if (!text.empty()) sink_->bytes(text);
  }
  element_done();
  return true;
}

void ReplyParser::element_done() {
  while (depth_ != 0) {
    Frame& frame = frames_[static_cast<std::size_t>(depth_ - 1)];
    if (--frame.left != 0) return;
    --depth_;
    if (frame.attribute) return;
  }
  complete_ = true;
}

}  // namespace redisload
