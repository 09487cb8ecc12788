// An array whose end is the end of accessible memory, so that one element too far is noticed.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#if !defined(__SANITIZE_ADDRESS__)
#include <sys/mman.h>
#include <unistd.h>
#endif

template <class T>
class Exact {
 public:
  /** `size` zeros. */
  explicit Exact(int64_t size) : size_(size) { allocate(); }
  Exact(const Exact& other) : size_(other.size_) {
    allocate();
    if (size_ > 0) std::memcpy(data_, other.data_, bytes());
  }
  Exact& operator=(const Exact&) = delete;
  ~Exact() { release(); }

  int64_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](int64_t i) { return data_[i]; }
  const T& operator[](int64_t i) const { return data_[i]; }

 private:
  size_t bytes() const { return static_cast<size_t>(size_) * sizeof(T); }

#if defined(__SANITIZE_ADDRESS__)
  void allocate() {
    data_ = static_cast<T*>(std::calloc(1, bytes()));
    if (data_ == nullptr) throw std::bad_alloc();
  }
  void release() { std::free(data_); }
#else
  // The sanitizer does not look into masked loads, but a page without access behind the array stops them as well.
  void allocate() {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t pages = (bytes() + page - 1) / page * page;
    mapped_ = pages + page;
    void* const map = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc();
    start_ = static_cast<char*>(map);
    if (mprotect(start_ + pages, page, PROT_NONE) != 0) throw std::bad_alloc();
    data_ = reinterpret_cast<T*>(start_ + pages - bytes());
  }
  void release() { munmap(start_, mapped_); }

  char* start_ = nullptr;
  size_t mapped_ = 0;
#endif

  int64_t size_;
  T* data_ = nullptr;
};
