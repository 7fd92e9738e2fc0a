// A growing run of bytes that commands are encoded into. Owned and used by one thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace redisload {

class OutputBuffer {
 public:
  // Room for `bytes` more; write there, then commit what was used.
  char* reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      grow(bytes);
    return data_.get() + size_;
  }
  void commit(std::size_t bytes) noexcept { size_ += bytes; }
  void append(std::string_view bytes) {
    if (bytes.empty()) return;  // its data may be null
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void clear() noexcept { size_ = 0; }
  // Drops the first `bytes`; what is left moves to the front.
  void consume(std::size_t bytes) noexcept {
    size_ -= bytes;
    if (size_ != 0) std::memmove(data_.get(), data_.get() + bytes, size_);
  }
  // Keeps the first `bytes` only.
  void truncate(std::size_t bytes) noexcept { size_ = bytes; }
  // Gives the memory back too.
  void release() noexcept {
    data_.reset();
    size_ = capacity_ = 0;
  }

  const char* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {data_.get(), size_}; }

 private:
  void grow(std::size_t bytes) {
    std::size_t wanted = capacity_ == 0 ? 256 : capacity_ * 2;
    while (wanted - size_ < bytes) wanted *= 2;
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace redisload
