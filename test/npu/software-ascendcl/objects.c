// A list of everything that the caller has made.

#include <stdlib.h>
#include <string.h>

#include "software.h"

static Object* objects;

static const char* const kKindNames[] = {
    [kContext] = "contexts",         [kStream] = "streams",         [kDataBuffer] = "data buffers",
    [kDataset] = "datasets",         [kDescription] = "descriptions", [kLoadConfig] = "load configurations",
    [kModel] = "models",             [kDeviceMemory] = "pieces of device memory", [kPinned] = "pieces of pinned memory",
};
enum { kNumKinds = sizeof kKindNames / sizeof kKindNames[0] };

void* makeObject(Kind kind, int device, size_t bytes) {
  Object* const object = calloc(1, bytes);
  object->kind = kind;
  object->device = device;
  object->next = objects;
  objects = object;
  return object;
}

Object* firstObject(void) { return objects; }

void* findObject(Kind kind, const void* wanted) {
  for (Object* object = objects; object != NULL; object = object->next) {
    if (object == wanted && object->kind == kind) return object;
  }
  return NULL;
}

void* useObject(Kind kind, const void* wanted) {
  void* const object = findObject(kind, wanted);
  if (object == NULL) forbid(100000, "not one of the %s, or destroyed already", kKindNames[kind]);
  return object;
}

void destroyObject(void* object) {
  for (Object** at = &objects; *at != NULL; at = &(*at)->next) {
    if (*at == object) {
      *at = (*at)->next;
      free(object);
      return;
    }
  }
}

void reportLeaks(int device) {
  int counts[kNumKinds] = {0};
  for (const Object* object = objects; object != NULL; object = object->next) {
    if (device < 0 || object->device == device) counts[object->kind]++;
  }
  for (int kind = 0; kind < kNumKinds; kind++) {
    if (counts[kind] > 0) report("leak: %d %s at %s", counts[kind], kKindNames[kind], currentCall());
  }
}
