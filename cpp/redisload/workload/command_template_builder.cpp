// Makes a command template from its text, once.
#include <algorithm>
#include <utility>

#include "redisload/base/error.hpp"
#include "redisload/workload/command_table.hpp"
#include "redisload/workload/command_template.hpp"

namespace redisload {
namespace {

bool varies(const TemplatePart& part, const ValueGenerator& values) {
  switch (part.placeholder) {
    case Placeholder::integer:
    case Placeholder::choice:
    case Placeholder::ttl:
    case Placeholder::ttl_ms:
      return true;
    case Placeholder::value:
      return !values.fixed_size();
    default:
      return false;
  }
}

}  // namespace

// Lays the words out as RESP: literal bytes in one string, cut into segments at what is not.
class CommandTemplateBuilder {
 public:
  explicit CommandTemplateBuilder(const TemplateContext& context) : context_(context) {
    made_.keyspace_ = context.keyspace;
    made_.values_ = context.values;
    made_.names_ = context.keys;
    made_.ttl_ = context.ttl;
    made_.fields_ = context.fields;
    made_.members_ = context.members;
  }

  CommandTemplate build(std::vector<TemplateWord> words) {
    number_keys(words);
    made_.command_ = command_of(words);
    literal("*" + std::to_string(words.size()) + "\r\n");
    for (const TemplateWord& word : words) {
      if (std::ranges::any_of(word, [&](const auto& p) { return varies(p, *made_.values_); })) {
        varying_word(word);
        continue;
      }
      literal("$" + std::to_string(length(word)) + "\r\n");
      for (const TemplatePart& part : word) add(part);
      literal("\r\n");
    }
    end_segment(CommandTemplate::Tail::end);
    made_.bytes_.append(CommandTemplate::kStride, '\0');
    return std::move(made_);
  }

 private:
  using Patch = CommandTemplate::Patch;
  using Tail = CommandTemplate::Tail;

  static std::string upper(const std::string& text) {
    std::string made = text;
    for (char& c : made) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return made;
  }

  static std::string command_of(const std::vector<TemplateWord>& words) {
    std::string name = upper(words.front().front().literal);
    if (!has_subcommands(name) || words.size() < 2) return name;
    const TemplateWord& second = words[1];
    if (second.size() != 1 || second.front().placeholder != Placeholder::none) return name;
    return name + "|" + upper(second.front().literal);
  }

  // {key} without a number is the next one in line.
  void number_keys(std::vector<TemplateWord>& words) {
    std::uint32_t next = 0;
    for (std::uint32_t position = 0; position < words.size(); ++position) {
      bool holds_key = false;
      for (TemplatePart& part : words[position]) {
        if (part.placeholder != Placeholder::key) continue;
        if (part.number == 0) part.number = ++next;
        made_.keys_ = std::max(made_.keys_, part.number);
        holds_key = true;
      }
      if (holds_key) made_.key_positions_.push_back(position);
    }
    made_.needs_seed_ = made_.keys_ > 1;
  }

  std::size_t length(const TemplateWord& word) const {
    std::size_t sum = 0;
    for (const TemplatePart& part : word) {
      switch (part.placeholder) {
        case Placeholder::key:
          sum += made_.names_.size();
          break;
        case Placeholder::value:
          sum += made_.values_->size_bytes();
          break;
        case Placeholder::field:
          sum += kFieldText.size() + kElementDigits;
          break;
        case Placeholder::member:
          sum += kMemberText.size() + kElementDigits;
          break;
        case Placeholder::score:
          sum += 2 + kElementDigits;
          break;
        default:
          sum += part.literal.size();
      }
    }
    return sum;
  }

  void literal(std::string_view bytes) { made_.bytes_.append(bytes); }

  // The first value takes the operation's own seed.
  std::uint16_t hole_for(Placeholder placeholder) {
    made_.needs_seed_ = true;
    if (placeholder == Placeholder::value && !made_.has_value_) {
      made_.has_value_ = true;
      return 0;
    }
    return ++holes_;
  }

  void patch(Patch one) {
    one.offset = static_cast<std::uint32_t>(made_.bytes_.size() - segment_begin_);
    made_.patches_.push_back(one);
    literal(std::string(one.digits, '0'));
  }

  void add(const TemplatePart& part) {
    switch (part.placeholder) {
      case Placeholder::key:
        add_key(part.number);
        return;
      case Placeholder::value: {
        const std::uint16_t hole = hole_for(part.placeholder);
        end_segment(Tail::value, hole);
        return;
      }
      case Placeholder::field:
        literal(kFieldText);
        below(part.placeholder, context_.fields);
        return;
      case Placeholder::member:
        literal(kMemberText);
        below(part.placeholder, context_.members);
        return;
      case Placeholder::score:
        literal("0.");
        below(part.placeholder, kScores);
        return;
      default:
        literal(part.literal);
    }
  }

  void add_key(std::uint32_t number) {
    const KeyNames& names = made_.names_;
    literal(names.prefix);
    Patch one;
    one.key = number;
    if (names.tags != 0) {
      literal("{");
      one.kind = Patch::Kind::tag;
      one.digits = kTagDigits;
      one.bound = names.tags;
      patch(one);
      literal("}:");
    }
    literal(std::string(names.zeros, '0'));
    one.kind = number == 1 ? Patch::Kind::first_key : Patch::Kind::key;
    one.digits = static_cast<std::uint8_t>(names.digits);
    patch(one);
  }

  void below(Placeholder placeholder, std::uint64_t bound) {
    Patch one;
    one.kind = Patch::Kind::below;
    one.digits = kElementDigits;
    one.hole = hole_for(placeholder);
    one.bound = bound;
    patch(one);
  }

  void varying_word(const TemplateWord& word) {
    std::vector<CommandTemplate::VaryingPart> parts;
    for (const TemplatePart& part : word) {
      const bool drawn =
          part.placeholder != Placeholder::none && part.placeholder != Placeholder::key;
      parts.push_back({part, drawn ? hole_for(part.placeholder) : std::uint16_t{0}});
    }
    made_.fixed_ = false;
    end_segment(Tail::word, 0, static_cast<std::uint32_t>(made_.varying_.size()));
    made_.varying_.push_back(std::move(parts));
  }

  void end_segment(Tail tail, std::uint16_t hole = 0, std::uint32_t word = 0) {
    CommandTemplate::Segment segment;
    segment.begin = static_cast<std::uint32_t>(segment_begin_);
    segment.size = static_cast<std::uint32_t>(made_.bytes_.size() - segment_begin_);
    segment.first_patch = first_patch_;
    segment.last_patch = static_cast<std::uint32_t>(made_.patches_.size());
    segment.tail = tail;
    segment.hole = hole;
    segment.word = word;
    made_.segments_.push_back(segment);
    made_.size_bytes_ += segment.size;
    if (tail == Tail::value) made_.size_bytes_ += made_.values_->size_bytes();
    segment_begin_ = made_.bytes_.size();
    first_patch_ = segment.last_patch;
  }

  const TemplateContext& context_;
  CommandTemplate made_;
  std::size_t segment_begin_ = 0;
  std::uint32_t first_patch_ = 0;
  std::uint16_t holes_ = 0;
};

CommandTemplate CommandTemplate::parse(std::string_view text, const TemplateContext& context,
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
  return CommandTemplateBuilder(context).build(std::move(words));
}

}  // namespace redisload
