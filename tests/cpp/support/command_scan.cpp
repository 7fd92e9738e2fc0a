#include "support/command_scan.hpp"

#include <array>
#include <stdexcept>

namespace redisload::test {
namespace {

// Reads "<type><number>\r\n" at `at` and moves past it; false: not all of it is there.
bool read_header(std::string_view bytes, std::size_t& at, char type, std::size_t& number) {
  if (at == bytes.size()) return false;
  if (bytes[at] != type) throw std::runtime_error("not a command in RESP");
  std::size_t i = at + 1;
  number = 0;
  for (; i < bytes.size() && bytes[i] >= '0' && bytes[i] <= '9'; ++i) {
    number = number * 10 + static_cast<std::size_t>(bytes[i] - '0');
  }
  if (i + 2 > bytes.size()) return false;
  if (bytes[i] != '\r' || bytes[i + 1] != '\n') throw std::runtime_error("not a length in RESP");
  at = i + 2;
  return true;
}

ScannedCommand scan_inline(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return {};
  const std::string_view line = bytes.substr(0, end);
  ScannedCommand command;
  command.size = end + 1;
  command.name = line.substr(0, line.find_first_of(" \r"));
  return command;
}

}  // namespace

ScannedCommand scan_command(std::string_view bytes) {
  if (!bytes.empty() && bytes.front() != '*') return scan_inline(bytes);
  std::size_t at = 0;
  std::size_t words = 0;
  if (!read_header(bytes, at, '*', words)) return {};
  std::array<std::string_view, 3> seen{};
  for (std::size_t i = 0; i < words; ++i) {
    std::size_t length = 0;
    if (!read_header(bytes, at, '$', length)) return {};
    if (bytes.size() - at < length + 2) return {};
    if (i < seen.size()) seen[i] = bytes.substr(at, length);
    at += length + 2;
  }
  return {at, seen[0], seen[1], seen[2]};
}

}  // namespace redisload::test
