// Places the values of a run in one piece of memory, where those that are not needed at the same time share room.
#pragma once

#include <cstdint>
#include <vector>

#include "memory.h"

struct Buffer {
  int64_t bytes;  // a multiple of kAlignment
  /** Steps between which it holds its value, both included. */
  int first;
  int last;
  int64_t offset = 0;
};

/** First fit over the lifetimes; `buffers` are in the order of their first steps. Returns the bytes of all together. */
int64_t placeBuffers(std::vector<Buffer>& buffers);

/** The memory, kept from run to run and exchanged for a larger piece when a run needs one. */
class Arena {
 public:
  /** Holds at least `bytes`; what was in it is lost. Throws std::bad_alloc. */
  unsigned char* reserve(int64_t bytes);

 private:
  Mapping room_;
};
