// Mapped memory: files read-only, and room of our own.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

class Mapping {
 public:
  Mapping() = default;
  ~Mapping();
  Mapping(Mapping&& other) noexcept { swap(other); }
  Mapping& operator=(Mapping&& other) noexcept {
    swap(other);
    return *this;
  }

  /** A whole file. Throws Failure (WEIGHTS_UNREADABLE). */
  static Mapping file(const std::string& path);
  /** A file by its descriptor, which may be closed afterwards. An empty mapping when the system refuses. */
  static Mapping descriptor(int fd, int64_t size);
  /** Zeros, aligned to pages. Throws std::bad_alloc. */
  static Mapping room(int64_t size);

  unsigned char* data() const { return data_; }
  int64_t size() const { return size_; }
  /** The pages wholly inside a range stop counting as resident; of a file they are read again when touched. */
  void drop(int64_t offset, int64_t length) const;

 private:
  void swap(Mapping& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  unsigned char* data_ = nullptr;
  int64_t size_ = 0;
};

/** Closes when it goes out of scope. */
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool isOpen() const { return fd_ >= 0; }

 private:
  int fd_;
};
