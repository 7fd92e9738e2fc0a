#include "redisload/workload/template_text.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <utility>

namespace redisload {
namespace {

// How each is written, and what it is.
struct Known {
  std::string_view name;
  std::string_view shape;  // as messages show it
  Placeholder placeholder;
};
constexpr std::array<Known, 9> kPlaceholders{{{"key", "{key} {key:2}", Placeholder::key},
                                              {"value", "{value}", Placeholder::value},
                                              {"field", "{field}", Placeholder::field},
                                              {"member", "{member}", Placeholder::member},
                                              {"score", "{score}", Placeholder::score},
                                              {"int", "{int:1:100}", Placeholder::integer},
                                              {"choice", "{choice:a,b,c}", Placeholder::choice},
                                              {"ttl", "{ttl}", Placeholder::ttl},
                                              {"ttl_ms", "{ttl_ms}", Placeholder::ttl_ms}}};

constexpr std::uint32_t kMostKeys = 1024;  // of one command

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Quoting follows redis-cli (sdssplitargs); placeholders are found inside quotes too.
class TemplateReader {
 public:
  explicit TemplateReader(std::string_view text) : text_(text) {}

  std::vector<TemplateWord> read() {
    std::vector<TemplateWord> words;
    for (;;) {
      while (!at_end() && is_space(peek())) ++at_;
      if (at_end()) return words;
      words.push_back(read_word());
    }
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[noreturn]] static void fail(std::size_t index, const std::string& problem) {
    throw TemplateTextError(index + 1, problem);
  }

  TemplateWord read_word() {
    word_.clear();
    while (!at_end() && !is_space(peek())) {
      if (peek() == '"' || peek() == '\'') {
        read_quoted(peek());
      } else {
        read_plain();
      }
    }
    if (word_.empty()) word_.emplace_back();  // "" is a word
    return std::move(word_);
  }

  void read_quoted(char quote) {
    const std::size_t opened = at_++;
    while (peek() != quote || at_end()) {
      if (at_end()) fail(opened, "this quote is never closed");
      if (peek() == '\\' && quote == '"') {
        add(read_escape());
      } else if (peek() == '\\' && peek(1) == '\'') {
        at_ += 2;
        add('\'');
      } else {
        read_plain();
      }
    }
    ++at_;
    if (!at_end() && !is_space(peek())) fail(at_, "a closing quote must end its word");
  }

  char read_escape() {
    const std::size_t start = at_++;
    if (at_end()) fail(start, "nothing follows the backslash");
    const char c = text_[at_++];
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'b':
        return '\b';
      case 'a':
        return '\a';
      case 'x': {
        const int high = hex_digit(peek());
        const int low = hex_digit(peek(1));
        if (high < 0 || low < 0) fail(start, "\\x needs two hexadecimal digits");
        at_ += 2;
        return static_cast<char>(high * 16 + low);
      }
      default:
        return c;
    }
  }

  void read_plain() {
    const char c = peek();
    if ((c == '{' || c == '}') && peek(1) == c) {
      at_ += 2;
      add(c);
    } else if (c == '{') {
      read_placeholder();
    } else if (c == '}') {
      fail(at_, "a } without its {; a literal brace is written }}");
    } else {
      ++at_;
      add(c);
    }
  }

  void read_placeholder() {
    const std::size_t opened = at_;
    const std::size_t closed = text_.find('}', opened);
    if (closed == std::string_view::npos) {
      fail(opened, "a { without its }; a literal brace is written {{");
    }
    const std::string_view inside = text_.substr(opened + 1, closed - opened - 1);
    const std::size_t colon = inside.find(':');
    const std::string_view name = inside.substr(0, colon);
    const bool has_argument = colon != std::string_view::npos;
    const std::string_view argument = has_argument ? inside.substr(colon + 1) : "";
    for (const Known& known : kPlaceholders) {
      if (name != known.name) continue;
      word_.push_back(part_of(known, has_argument, argument, opened));
      at_ = closed + 1;
      return;
    }
    std::string problem = "{" + std::string(inside) + "} is not a placeholder; known:";
    for (const Known& known : kPlaceholders) problem += " " + std::string(known.shape);
    fail(opened, problem + "; a literal brace is written {{");
  }

  static TemplatePart part_of(const Known& known, bool has_argument, std::string_view argument,
                              std::size_t opened) {
    TemplatePart part;
    part.placeholder = known.placeholder;
    const std::size_t inside = opened + known.name.size() + 2;  // where the argument begins
    switch (known.placeholder) {
      case Placeholder::key:
        if (has_argument) part.number = key_number(argument, inside);
        return part;
      case Placeholder::integer:
        read_range(part, argument, inside);
        return part;
      case Placeholder::choice:
        read_choices(part, argument, inside);
        return part;
      default:
        if (has_argument) fail(inside - 1, "{" + std::string(known.name) + "} takes no argument");
        return part;
    }
  }

  static std::uint32_t key_number(std::string_view argument, std::size_t at) {
    const auto number = whole_number(argument);
    if (!number || *number < 1 || *number > kMostKeys) {
      fail(at, "{key:N} is the command's N-th key, N from 1 to " + std::to_string(kMostKeys));
    }
    return static_cast<std::uint32_t>(*number);
  }

  static void read_range(TemplatePart& part, std::string_view argument, std::size_t at) {
    const std::size_t colon = argument.find(':');
    const auto low = whole_number(argument.substr(0, colon));
    const auto high =
        colon == std::string_view::npos ? std::nullopt : whole_number(argument.substr(colon + 1));
    if (!low || !high) fail(at, "{int:LOW:HIGH} takes two whole numbers, as in {int:1:100}");
    if (*low > *high) fail(at, "{int:LOW:HIGH} with LOW above HIGH");
    part.low = *low;
    part.high = *high;
  }

  static void read_choices(TemplatePart& part, std::string_view argument, std::size_t at) {
    if (argument.empty()) fail(at, "{choice:A,B,…} takes texts between commas, as in {choice:a,b}");
    for (;;) {
      const std::size_t comma = argument.find(',');
      part.choices.emplace_back(argument.substr(0, comma));
      if (comma == std::string_view::npos) return;
      argument.remove_prefix(comma + 1);
    }
  }

  void add(char c) {
    if (word_.empty() || word_.back().placeholder != Placeholder::none) word_.emplace_back();
    word_.back().literal += c;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  TemplateWord word_;
};

}  // namespace

std::vector<TemplateWord> split_template(std::string_view text) {
  return TemplateReader(text).read();
}

}  // namespace redisload
