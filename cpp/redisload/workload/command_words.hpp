// Writes a command word by word: for commands whose words differ from one operation to the next.
// Used by one thread.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "redisload/base/output_buffer.hpp"
#include "redisload/workload/command_template.hpp"

namespace redisload {

class CommandWords {
 public:
  explicit CommandWords(OutputBuffer& out, std::size_t words) : out_(out) { header('*', words); }

  CommandWords& word(std::string_view text) {
    header('$', text.size());
    out_.append(text);
    out_.append("\r\n");
    return *this;
  }
  CommandWords& number(std::int64_t value) {
    std::array<char, 24> digits{};
    const char* end = std::to_chars(digits.begin(), digits.end(), value).ptr;
    return word({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  // The last word of the template "ECHO <word>", which a scratch buffer is filled with.
  CommandWords& made(const CommandTemplate& echo, const OperationRequest& request,
                     OutputBuffer& scratch) {
    constexpr std::string_view kBefore = "*2\r\n$4\r\nECHO\r\n";
    scratch.clear();
    echo.encode(request, scratch);
    out_.append(scratch.view().substr(kBefore.size()));
    return *this;
  }

 private:
  void header(char type, std::size_t count) {
    std::array<char, 24> line{};
    line[0] = type;
    char* end = std::to_chars(line.begin() + 1, line.end() - 2, count).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out_.append({line.data(), static_cast<std::size_t>(end - line.data())});
  }

  OutputBuffer& out_;
};

}  // namespace redisload
