#include "support/sink_log.hpp"

#include <cerrno>
#include <system_error>

namespace redisload::test {

SinkLog::SinkLog(const std::string& path) : records_(open(path)), bytes_(open(path + ".bytes")) {}

SinkLog::File SinkLog::open(const std::string& path) {
  File file(std::fopen(path.c_str(), "wbe"));
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  std::setvbuf(file.get(), nullptr, _IOFBF, std::size_t{1} << 20);
  return file;
}

void SinkLog::put(const File& file, const void* data, std::size_t size) {
  if (size != 0 && std::fwrite(data, 1, size, file.get()) != size) {
    throw std::system_error(errno, std::generic_category(), "the log cannot be written");
  }
}

void SinkLog::write(SinkEvent event, std::int64_t time_ns, std::uint32_t connection,
                    std::string_view bytes) {
  const Record record{time_ns,
                      offset_,
                      static_cast<std::uint32_t>(bytes.size()),
                      connection,
                      static_cast<std::uint32_t>(event),
                      0};
  put(records_, &record, sizeof record);
  put(bytes_, bytes.data(), bytes.size());
  offset_ += bytes.size();
}

void SinkLog::flush() {
  std::fflush(records_.get());
  std::fflush(bytes_.get());
}

}  // namespace redisload::test
