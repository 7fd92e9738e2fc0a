// Reads the text of a command template into words made of literal text and placeholders; knows
// nothing of RESP. Used while a run is being set up.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace redisload {

enum class Placeholder : std::uint8_t { none, key, value };

struct TemplatePart {
  Placeholder placeholder = Placeholder::none;
  std::string literal;  // of Placeholder::none
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
