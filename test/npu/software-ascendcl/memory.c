// Device and pinned memory: memory of the host between two canaries.

#include <stdlib.h>
#include <string.h>

#include "software.h"

enum { kCanaryBytes = 64, kCanary = 0xc5, kFresh = 0xa5 };

typedef struct {
  Object object;
  uint8_t* block;
  size_t bytes;
} Memory;

static uint8_t* start(const Memory* memory) { return memory->block + kCanaryBytes; }

static int allocate(Kind kind, int device, void** address, size_t bytes) {
  if (bytes == 0) return forbid(100000, "no bytes");
  if (kind == kDeviceMemory && usedBytes(device) + bytes > knobs.memoryBytes) {
    return refuse(207001, "%zu bytes do not fit in the memory of the device", bytes);
  }
  Memory* const memory = makeObject(kind, device, sizeof *memory);
  memory->bytes = bytes;
  memory->block = aligned_alloc(kCanaryBytes, (bytes + 3 * kCanaryBytes) / kCanaryBytes * kCanaryBytes);
  memset(memory->block, kCanary, kCanaryBytes);
  memset(start(memory), kFresh, bytes);
  memset(start(memory) + bytes, kCanary, kCanaryBytes);
  *address = start(memory);
  return 0;
}

static Memory* nextMemory(Object* object, Kind kind) {
  while (object != NULL && object->kind != kind) object = object->next;
  return (Memory*)object;
}

static void checkCanaries(const Memory* memory) {
  for (size_t i = 0; i < kCanaryBytes; i++) {
    if (memory->block[i] != kCanary || start(memory)[memory->bytes + i] != kCanary) {
      forbid(100000, "something was written beside the memory");
      return;
    }
  }
}

static int release(Kind kind, void* address) {
  for (Memory* memory = nextMemory(firstObject(), kind); memory != NULL; memory = nextMemory(memory->object.next, kind)) {
    if (start(memory) != address) continue;
    const int device = memory->object.device;
    // Releasing does not wait there.
    if (isBusy(device)) return forbid(107000, "a stream of the device may still use the memory");
    checkCanaries(memory);
    free(memory->block);
    destroyObject(memory);
    return deviceState(device);
  }
  return forbid(100000, "no such memory, or freed already");
}

bool isInside(Kind kind, const void* address, size_t bytes) {
  const uint8_t* const first = address;
  for (Memory* memory = nextMemory(firstObject(), kind); memory != NULL; memory = nextMemory(memory->object.next, kind)) {
    if (first >= start(memory) && first + bytes <= start(memory) + memory->bytes) return true;
  }
  return false;
}

size_t usedBytes(int device) {
  size_t bytes = 0;
  for (Memory* memory = nextMemory(firstObject(), kDeviceMemory); memory != NULL;
       memory = nextMemory(memory->object.next, kDeviceMemory)) {
    if (memory->object.device == device) bytes += memory->bytes;
  }
  return bytes;
}

static int allocateHere(const char* call, Kind kind, void** address, size_t bytes) {
  int code = enter(call);
  const Context* const context = code == 0 ? useContext() : NULL;
  if (code == 0) code = context == NULL ? 107002 : deviceState(context->object.device);
  if (code == 0) code = allocate(kind, context->object.device, address, bytes);
  return leave(code);
}

static int releaseHere(const char* call, Kind kind, void* address) {
  int code = enter(call);
  const int released = useContext() == NULL ? 107002 : release(kind, address);
  return leave(code == 0 ? released : code);
}

int aclrtMalloc(void** address, size_t bytes, int policy) {
  (void)policy;
  return allocateHere("aclrtMalloc", kDeviceMemory, address, bytes);
}

int aclrtMallocHost(void** address, size_t bytes) { return allocateHere("aclrtMallocHost", kPinned, address, bytes); }

int aclrtFree(void* address) { return releaseHere("aclrtFree", kDeviceMemory, address); }

int aclrtFreeHost(void* address) { return releaseHere("aclrtFreeHost", kPinned, address); }

int aclrtGetMemInfo(int memory, size_t* freeBytes, size_t* totalBytes) {
  int code = enter("aclrtGetMemInfo");
  const Context* const context = code == 0 ? useContext() : NULL;
  if (code == 0) code = context == NULL ? 107002 : deviceState(context->object.device);
  // Inference cards have DDR, and no HBM.
  const bool isThere = (strncmp(knobs.soc, "Ascend310", 9) == 0) == (memory == kAclDdr);
  if (code == 0) {
    *totalBytes = isThere ? knobs.memoryBytes : 0;
    *freeBytes = isThere ? knobs.memoryBytes - usedBytes(context->object.device) : 0;
  }
  return leave(code);
}

typedef struct {
  Operation operation;
  Stream* stream;
  void* to;
  const void* from;
  size_t bytes;
} CopyOperation;

static int copy(Operation* operation) {
  const CopyOperation* const copy = (const CopyOperation*)operation;
  pthread_mutex_lock(&lock);
  const int code = deviceState(copy->stream->object.device);
  pthread_mutex_unlock(&lock);
  if (code == 0) memcpy(copy->to, copy->from, copy->bytes);
  return code;
}

static int checkCopy(void* to, size_t room, const void* from, size_t bytes, int kind) {
  if (bytes == 0) return forbid(100000, "no bytes to copy");
  if (bytes > room) return forbid(100000, "%zu bytes do not fit in %zu", bytes, room);
  const bool isUp = kind == kAclHostToDevice;
  if (!isUp && kind != kAclDeviceToHost) return forbid(100000, "kind %d is not expected here", kind);
  if (!isInside(kDeviceMemory, isUp ? to : from, isUp ? room : bytes)) return forbid(107000, "outside of device memory");
  // The real one copies at once then, and the caller only believes that it does not.
  if (!isInside(kPinned, isUp ? from : to, bytes)) return forbid(107000, "the memory of the host is not pinned");
  return 0;
}

int aclrtMemcpyAsync(void* to, size_t room, const void* from, size_t bytes, int kind, void* handle) {
  int code = enter("aclrtMemcpyAsync");
  Stream* const stream = code == 0 ? useStream(handle) : NULL;
  if (code == 0) code = stream == NULL ? 107003 : deviceState(stream->object.device);
  if (code == 0) code = checkCopy(to, room, from, bytes, kind);
  if (code == 0) {
    CopyOperation* const operation = calloc(1, sizeof *operation);
    *operation = (CopyOperation){{NULL, copy}, stream, to, from, bytes};
    pushOperation(stream, &operation->operation);
  }
  return leave(code);
}
