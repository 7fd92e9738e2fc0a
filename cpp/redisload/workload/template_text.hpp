// Reads the text of a command template into words made of literal text and placeholders; knows
// nothing of RESP. Used while a run is being set up.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace redisload {

enum class Placeholder : std::uint8_t {
  none,
  key,      // {key}: a key of its own; {key:2}: the command's second key (again)
  value,    // {value}
  field,    // {field}: field:000042
  member,   // {member}: member:000042
  score,    // {score}: 0.000000 … 0.999999
  integer,  // {int:1:100}
  choice,   // {choice:a,b,c}
  ttl,      // {ttl}: seconds
  ttl_ms    // {ttl_ms}: milliseconds
};

struct TemplatePart {
  Placeholder placeholder = Placeholder::none;
  std::string literal;               // of Placeholder::none
  std::uint32_t number = 0;          // of {key:2}; 0: not numbered
  std::int64_t low = 0, high = 0;    // of {int:low:high}
  std::vector<std::string> choices;  // of {choice:…}
};

using TemplateWord = std::vector<TemplatePart>;

// What is wrong, with the character's position counted from 1.
class TemplateTextError : public std::runtime_error {
 public:
  TemplateTextError(std::size_t position, const std::string& problem)
      : std::runtime_error("at character " + std::to_string(position) + ": " + problem) {}
};

std::vector<TemplateWord> split_template(std::string_view text);

}  // namespace redisload
