// First-fit placement, and the arena's memory.

#include "arena.h"

#include <algorithm>

int64_t placeBuffers(std::vector<Buffer>& buffers) {
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

unsigned char* Arena::reserve(int64_t bytes) {
  if (bytes > room_.size()) {
    room_ = Mapping();  // first, so that old and new are never held together
    room_ = Mapping::room(bytes);
  }
  return room_.data();
}
