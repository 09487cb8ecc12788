// The cache file: a header, the layout's description, a checksum per panel, and from the next page on the panels.

#include "packed_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "checksum.h"

namespace {

/** Changes whenever the layout of panels does. */
constexpr uint32_t kVersion = 1;
constexpr char kMagic[8] = {'q', 'v', 'l', 'p', 'a', 'c', 'k', '\n'};
constexpr int64_t kPage = 4096;

struct Header {
  char magic[8];
  uint32_t version;
  /** 1 as this machine writes it, so that a file of the other byte order is foreign. */
  uint32_t one;
  uint64_t descriptionBytes;
  uint64_t numPanels;
  uint64_t bytes;
  /** Of the description, then of the panels' checksums. */
  uint64_t descriptionSum;
  uint64_t checksumsSum;
};

int64_t checksumsBytes(const PackedLayout& layout) { return layout.numPanels * static_cast<int64_t>(sizeof(uint64_t)); }
int64_t descriptionBytes(const PackedLayout& layout) { return static_cast<int64_t>(layout.description.size()); }

int64_t checksumsOffset(const PackedLayout& layout) {
  return roundUp(static_cast<int64_t>(sizeof(Header)) + descriptionBytes(layout), sizeof(uint64_t));
}
int64_t panelsOffset(const PackedLayout& layout) {
  return roundUp(checksumsOffset(layout) + checksumsBytes(layout), kPage);
}

Header makeHeader(const PackedLayout& layout, const void* checksums) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.one = 1;
  header.descriptionBytes = layout.description.size();
  header.numPanels = static_cast<uint64_t>(layout.numPanels);
  header.bytes = static_cast<uint64_t>(layout.bytes);
  header.descriptionSum = checksum(layout.description.data(), descriptionBytes(layout));
  header.checksumsSum = checksum(checksums, checksumsBytes(layout));
  return header;
}

[[noreturn]] void unwritable() { throw CacheUnwritable(std::strerror(errno)); }

std::string folderOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

PackedMemory openPackedCache(const std::string& path, const PackedLayout& layout, ThreadPool& pool) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (!fd.isOpen() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (status.st_size != panelsOffset(layout) + layout.bytes) return {};
  PackedMemory packed{Mapping::descriptor(fd.get(), status.st_size), panelsOffset(layout)};
  if (packed.isEmpty()) return {};

  const unsigned char* const file = packed.mapping.data();
  const unsigned char* const sums = file + checksumsOffset(layout);
  const Header expected = makeHeader(layout, sums);
  if (std::memcmp(file, &expected, sizeof expected) != 0) return {};
  if (std::memcmp(file + sizeof expected, layout.description.data(), layout.description.size()) != 0) return {};
  std::atomic<bool> isWhole{true};
  pool.parallelFor(layout.numPanels, [&](int64_t number, int) {
    const PanelPlace place = layout.panel(number);
    uint64_t sum;
    std::memcpy(&sum, sums + number * static_cast<int64_t>(sizeof sum), sizeof sum);
    if (isWhole && checksum(packed.data() + place.offset, place.bytes) != sum) isWhole = false;
  });
  return isWhole ? std::move(packed) : PackedMemory{};
}

PackedCacheWriter::PackedCacheWriter(const std::string& path, const PackedLayout& layout)
    : path_(path),
      temporaryPath_(path + ".part"),
      layout_(layout),
      fd_(open(temporaryPath_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)),
      checksums_(static_cast<size_t>(layout.numPanels)) {
  if (!fd_.isOpen()) unwritable();
  // One name and a lock, not a name per process: what a killed process leaves behind is written over, not piled up.
  if (flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) throw CacheUnwritable("another process is writing it");
  struct stat opened;
  struct stat named;
  const bool isSame = fstat(fd_.get(), &opened) == 0 && stat(temporaryPath_.c_str(), &named) == 0 &&
                      opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
  if (!isSame) throw CacheUnwritable("another process has just written it");
  isOurs_ = true;
  // Removes what a killed process wrote, so that gaps read as zeros.
  if (ftruncate(fd_.get(), 0) != 0) {
    unlink(temporaryPath_.c_str());
    unwritable();
  }
}

PackedCacheWriter::~PackedCacheWriter() {
  if (isOurs_) unlink(temporaryPath_.c_str());
}

void PackedCacheWriter::write(int64_t number, const unsigned char* bytes) {
  const PanelPlace place = layout_.panel(number);
  checksums_[number] = checksum(bytes, place.bytes);
  writeAt(panelsOffset(layout_) + place.offset, bytes, place.bytes);
}

PackedMemory PackedCacheWriter::finish() {
  const Header header = makeHeader(layout_, checksums_.data());
  writeAt(0, &header, sizeof header);
  writeAt(sizeof header, layout_.description.data(), descriptionBytes(layout_));
  writeAt(checksumsOffset(layout_), checksums_.data(), checksumsBytes(layout_));
  const int64_t size = panelsOffset(layout_) + layout_.bytes;
  if (ftruncate(fd_.get(), size) != 0 || fsync(fd_.get()) != 0) unwritable();
  PackedMemory packed{Mapping::descriptor(fd_.get(), size), panelsOffset(layout_)};
  if (packed.isEmpty() || rename(temporaryPath_.c_str(), path_.c_str()) != 0) unwritable();
  isOurs_ = false;
  // The rename itself reaches the disk with the folder; where folders cannot be synced, it does so later.
  const Descriptor folder(open(folderOf(path_).c_str(), O_RDONLY | O_CLOEXEC));
  if (folder.isOpen()) fsync(folder.get());
  return packed;
}

void PackedCacheWriter::writeAt(int64_t offset, const void* bytes, int64_t count) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  while (count > 0) {
    const ssize_t written = pwrite(fd_.get(), at, static_cast<size_t>(count), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) unwritable();
    at += written;
    offset += written;
    count -= written;
  }
}
