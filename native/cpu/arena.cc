// First-fit placement over lifetimes. Built with AddressSanitizer, buffers share nothing and have guards between them,
// so that a step that writes past its result is found.

#include "arena.h"

#include <algorithm>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace {

#ifdef __SANITIZE_ADDRESS__

constexpr int64_t kGuardBytes = 512;

int64_t assignOffsets(std::vector<Buffer>& buffers) {
  int64_t total = kGuardBytes;
  for (Buffer& buffer : buffers) {
    buffer.offset = total;
    total += buffer.bytes + kGuardBytes;
  }
  return total;
}

void guard(const Mapping& room, const std::vector<Buffer>& buffers) {
  ASAN_POISON_MEMORY_REGION(room.data(), room.size());
  for (const Buffer& buffer : buffers) ASAN_UNPOISON_MEMORY_REGION(room.data() + buffer.offset, buffer.bytes);
}

void unguard(const Mapping& room) { ASAN_UNPOISON_MEMORY_REGION(room.data(), room.size()); }

#else

/** Returns the bytes of all together. */
int64_t assignOffsets(std::vector<Buffer>& buffers) {
  std::vector<const Buffer*> live;  // by offset
  int64_t total = 0;
  for (Buffer& buffer : buffers) {
    const auto isOver = [&buffer](const Buffer* other) { return other->last < buffer.first; };
    live.erase(std::remove_if(live.begin(), live.end(), isOver), live.end());
    int64_t offset = 0;
    auto next = live.begin();
    while (next != live.end() && (*next)->offset - offset < buffer.bytes) {
      offset = (*next)->offset + (*next)->bytes;
      ++next;
    }
    buffer.offset = offset;
    live.insert(next, &buffer);
    total = std::max(total, offset + buffer.bytes);
  }
  return total;
}

void guard(const Mapping&, const std::vector<Buffer>&) {}
void unguard(const Mapping&) {}

#endif

}  // namespace

Arena::~Arena() { unguard(room_); }

unsigned char* Arena::place(std::vector<Buffer>& buffers) {
  const int64_t bytes = assignOffsets(buffers);
  unguard(room_);
  if (bytes > room_.size()) {
    room_ = Mapping();  // first, so that old and new are never held together
    room_ = Mapping::room(bytes);
  }
  guard(room_, buffers);
  return room_.data();
}
