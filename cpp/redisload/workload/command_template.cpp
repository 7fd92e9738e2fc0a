#include "redisload/workload/command_template.hpp"

#include <array>
#include <utility>

#include "redisload/base/error.hpp"
#include "redisload/workload/template_text.hpp"

namespace redisload {
namespace {

constexpr auto kTwoDigits = [] {
  std::array<char, 200> table{};
  for (std::size_t i = 0; i < 100; ++i) {
    table[2 * i] = static_cast<char>('0' + i / 10);
    table[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}();

// Six digits, two at a time.
void write_six(char* out, std::uint32_t number) noexcept {
  const std::uint32_t high = number / 10'000;
  const std::uint32_t middle = number / 100 % 100;
  const std::uint32_t low = number % 100;
  std::memcpy(out, &kTwoDigits[2 * std::size_t{high}], 2);
  std::memcpy(out + 2, &kTwoDigits[2 * std::size_t{middle}], 2);
  std::memcpy(out + 4, &kTwoDigits[2 * std::size_t{low}], 2);
}

}  // namespace

void write_key_number(char* out, std::uint64_t number) noexcept {
  write_six(out, static_cast<std::uint32_t>(number / 1'000'000 % 1'000'000));
  write_six(out + 6, static_cast<std::uint32_t>(number % 1'000'000));
}

// Lays the words out as RESP: literal bytes in one string, cut into segments at the values.
class CommandTemplateBuilder {
 public:
  CommandTemplateBuilder(std::string_view key_prefix, std::shared_ptr<const ValueGenerator> values)
      : prefix_(key_prefix) {
    made_.values_ = std::move(values);
  }

  CommandTemplate build(const std::vector<TemplateWord>& words) {
    for (const char c : words.front().front().literal) {
      made_.command_ += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    literal("*" + std::to_string(words.size()) + "\r\n");
    for (const TemplateWord& word : words) {
      literal("$" + std::to_string(length(word)) + "\r\n");
      for (const TemplatePart& part : word) add(part);
      literal("\r\n");
    }
    end_segment(false);
    made_.bytes_.append(CommandTemplate::kStride, '\0');
    return std::move(made_);
  }

 private:
  std::size_t length(const TemplateWord& word) const {
    std::size_t sum = 0;
    for (const TemplatePart& part : word) {
      switch (part.placeholder) {
        case Placeholder::none:
          sum += part.literal.size();
          break;
        case Placeholder::key:
          sum += prefix_.size() + kKeyDigits;
          break;
        case Placeholder::value:
          sum += made_.values_->size_bytes();
          break;
      }
    }
    return sum;
  }

  void literal(std::string_view bytes) { made_.bytes_.append(bytes); }

  void add(const TemplatePart& part) {
    switch (part.placeholder) {
      case Placeholder::none:
        literal(part.literal);
        break;
      case Placeholder::key:
        literal(prefix_);
        made_.has_key_ = true;
        made_.key_offsets_.push_back(
            static_cast<std::uint32_t>(made_.bytes_.size() - segment_begin_));
        literal(std::string(kKeyDigits, '0'));
        break;
      case Placeholder::value:
        end_segment(true);
        break;
    }
  }

  void end_segment(bool value_follows) {
    CommandTemplate::Segment segment;
    segment.begin = static_cast<std::uint32_t>(segment_begin_);
    segment.size = static_cast<std::uint32_t>(made_.bytes_.size() - segment_begin_);
    segment.first_key = first_key_;
    segment.last_key = static_cast<std::uint32_t>(made_.key_offsets_.size());
    segment.value_follows = value_follows;
    made_.segments_.push_back(segment);
    made_.size_bytes_ += segment.size;
    if (value_follows) made_.size_bytes_ += made_.values_->size_bytes();
    segment_begin_ = made_.bytes_.size();
    first_key_ = segment.last_key;
  }

  std::string_view prefix_;
  CommandTemplate made_;
  std::size_t segment_begin_ = 0;
  std::uint32_t first_key_ = 0;
};

CommandTemplate CommandTemplate::parse(std::string_view text, std::string_view key_prefix,
                                       std::shared_ptr<const ValueGenerator> values,
                                       const std::string& path) {
  const auto refuse = [&](const std::string& allowed) {
    return ConfigError({{path, std::string(text), allowed}});
  };
  std::vector<TemplateWord> words;
  try {
    words = split_template(text);
  } catch (const TemplateTextError& error) {
    throw refuse(error.what());
  }
  if (words.empty()) throw refuse("a command and its arguments, as in SET {key} {value}");
  const TemplateWord& name = words.front();
  if (name.size() != 1 || name.front().literal.empty()) {
    throw refuse("the first word is the command's name, without placeholders");
  }
  return CommandTemplateBuilder(key_prefix, std::move(values)).build(words);
}

}  // namespace redisload
