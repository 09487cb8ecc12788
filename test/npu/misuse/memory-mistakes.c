// Mistakes with memory and copies.

#include <string.h>

#include "scene.h"

/** From pinned memory to the first input. */
static int copyUp(const Scene* scene, size_t room, size_t bytes) {
  return aclrtMemcpyAsync(scene->parts[0].memory, room, scene->pinned, bytes, kAclHostToDevice, scene->stream);
}

static void freedTwice(Scene* scene) {
  void* memory;
  MUST(aclrtMalloc(&memory, 64, kAclHugeFirst));
  MUST(aclrtFree(memory));
  aclrtFree(memory);
  (void)scene;
}

static void freedAsTheOther(Scene* scene) {
  aclrtFree(scene->pinned);
}

static void copyAfterFree(Scene* scene) {
  void* memory;
  MUST(aclrtMalloc(&memory, 64, kAclHugeFirst));
  MUST(aclrtFree(memory));
  aclrtMemcpyAsync(memory, 64, scene->pinned, 64, kAclHostToDevice, scene->stream);
}

static void freeDuringACopy(Scene* scene) {
  void* memory;
  MUST(aclrtMalloc(&memory, 64, kAclHugeFirst));
  startRun(scene);
  MUST(aclrtMemcpyAsync(scene->pinned, 64, memory, 64, kAclDeviceToHost, scene->stream));
  aclrtFree(memory);
  waitForStream(scene);
  MUST(aclrtFree(memory));
}

static void moreThanTheRoom(Scene* scene) { copyUp(scene, 8, 16); }

static void beyondTheDevice(Scene* scene) { copyUp(scene, 1 << 20, 16); }

static void beyondTheHost(Scene* scene) {
  aclrtMemcpyAsync((char*)scene->pinned + 32, kPinnedBytes, scene->parts[0].memory, kPinnedBytes, kAclDeviceToHost,
                   scene->stream);
}

static void fromPageableMemory(Scene* scene) {
  char host[16] = "";
  aclrtMemcpyAsync(scene->parts[0].memory, 16, host, 16, kAclHostToDevice, scene->stream);
}

static void nothingToCopy(Scene* scene) { copyUp(scene, 16, 0); }

static void nothingToAllocate(Scene* scene) {
  void* memory;
  aclrtMalloc(&memory, 0, kAclHugeFirst);
  (void)scene;
}

static void writtenBeside(Scene* scene) {
  void* memory;
  MUST(aclrtMallocHost(&memory, 64));
  memset(memory, 1, 65);
  aclrtFreeHost(memory);
  (void)scene;
}

static void bufferOverNothing(Scene* scene) {
  char host[16];
  void* const buffer = aclCreateDataBuffer(host, sizeof host);
  MUST(aclDestroyDataBuffer(buffer));
  (void)scene;
}

const Mistake kMemoryMistakes[] = {
    {"freed twice", freedTwice},
    {"freed as the other kind", freedAsTheOther},
    {"a copy after free", copyAfterFree},
    {"free during a copy", freeDuringACopy},
    {"more than the room", moreThanTheRoom},
    {"beyond the device's memory", beyondTheDevice},
    {"beyond the host's memory", beyondTheHost},
    {"pageable memory", fromPageableMemory},
    {"nothing to copy", nothingToCopy},
    {"nothing to allocate", nothingToAllocate},
    {"written beside pinned memory", writtenBeside},
    {"a buffer outside of the device", bufferOverNothing},
    {NULL, NULL},
};
