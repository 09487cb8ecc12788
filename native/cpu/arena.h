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

/** The memory, kept from run to run and exchanged for a larger piece when a run needs one. */
class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /**
   * Gives every buffer its offset from what it returns. `buffers` are in the order of their first steps. What was in
   * the memory is lost. Throws std::bad_alloc.
   */
  unsigned char* place(std::vector<Buffer>& buffers);

 private:
  Mapping room_;
};
