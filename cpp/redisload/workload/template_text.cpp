#include "redisload/workload/template_text.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace redisload {
namespace {

constexpr std::array<std::pair<std::string_view, Placeholder>, 2> kPlaceholders{
    {{"key", Placeholder::key}, {"value", Placeholder::value}}};

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
    if (word_.empty()) word_.push_back({});  // "" is a word
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
    const std::string_view name = text_.substr(opened + 1, closed - opened - 1);
    for (const auto& [known, placeholder] : kPlaceholders) {
      if (name != known) continue;
      word_.push_back({placeholder, {}});
      at_ = closed + 1;
      return;
    }
    std::string problem = "{" + std::string(name) + "} is not a placeholder; known:";
    for (const auto& known : kPlaceholders) problem += " {" + std::string(known.first) + "}";
    fail(opened, problem + "; a literal brace is written {{");
  }

  void add(char c) {
    if (word_.empty() || word_.back().placeholder != Placeholder::none) word_.push_back({});
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
