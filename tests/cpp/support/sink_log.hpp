// What a sink received, as two files: fixed-size records at the given path, which numpy reads as
// one array, and the bytes they point to beside it, at the path with ".bytes" added.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace redisload::test {

enum class SinkEvent : std::uint32_t { connect = 1, name = 2, command = 3, disconnect = 4 };

class SinkLog {
 public:
  // Throws std::system_error.
  explicit SinkLog(const std::string& path);

  // `bytes`: the command as received, or the name that CLIENT SETNAME gave.
  void write(SinkEvent event, std::int64_t time_ns, std::uint32_t connection,
             std::string_view bytes = {});
  void flush();

 private:
  struct Record {
    std::int64_t time_ns;  // CLOCK_MONOTONIC
    std::uint64_t offset;  // in the file of bytes
    std::uint32_t length;
    std::uint32_t connection;  // from 0, in the order of accepting
    std::uint32_t event;
    std::uint32_t reserved;
  };
  static_assert(sizeof(Record) == 32);

  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  static File open(const std::string& path);
  static void put(const File& file, const void* data, std::size_t size);

  File records_;
  File bytes_;
  std::uint64_t offset_ = 0;
};

}  // namespace redisload::test
