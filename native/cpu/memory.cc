// Mapped memory by mmap.

#include "memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "failure.h"

namespace {

/** Above this, huge pages save more in address look-ups than they waste in their last page. */
constexpr int64_t kHugePagesFrom = 8 << 20;

int64_t pageBytes() { return static_cast<int64_t>(sysconf(_SC_PAGESIZE)); }

[[noreturn]] void unreadable(const std::string& path, const char* why) {
  throw Failure(kWeightsUnreadable, "The file " + path + " cannot be read: " + why + ".");
}

}  // namespace

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(size_));
}

Mapping Mapping::file(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.isOpen()) unreadable(path, std::strerror(errno));
  struct stat status;
  if (fstat(fd.get(), &status) != 0) unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode) || status.st_size == 0) unreadable(path, "it is empty or not a regular file");
  Mapping mapping = descriptor(fd.get(), status.st_size);
  if (mapping.data_ == nullptr) unreadable(path, std::strerror(errno));
  return mapping;
}

Mapping Mapping::descriptor(int fd, int64_t size) {
  Mapping mapping;
  void* data = mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return mapping;
  mapping.data_ = static_cast<unsigned char*>(data);
  mapping.size_ = size;
  return mapping;
}

Mapping Mapping::room(int64_t size) {
  Mapping mapping;
  if (size == 0) return mapping;
  void* data = mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (size >= kHugePagesFrom) madvise(data, static_cast<size_t>(size), MADV_HUGEPAGE);
#endif
  mapping.data_ = static_cast<unsigned char*>(data);
  mapping.size_ = size;
  return mapping;
}

void Mapping::drop(int64_t offset, int64_t length) const {
  const int64_t page = pageBytes();
  const int64_t from = (offset + page - 1) / page * page;
  const int64_t to = (offset + length) / page * page;
  if (to > from) madvise(data_ + from, static_cast<size_t>(to - from), MADV_DONTNEED);
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}
