// Data buffers and datasets.

#include "software.h"

void* aclCreateDataBuffer(void* address, size_t bytes) {
  if (enter("aclCreateDataBuffer") != 0) return leave(0), NULL;
  if (!isInside(kDeviceMemory, address, bytes)) forbid(100000, "the buffer is outside of device memory");
  const Context* const context = useContext();
  DataBuffer* const buffer = makeObject(kDataBuffer, context == NULL ? 0 : context->object.device, sizeof *buffer);
  buffer->address = address;
  buffer->bytes = bytes;
  leave(0);
  return buffer;
}

int aclDestroyDataBuffer(const void* handle) {
  const int code = enter("aclDestroyDataBuffer");
  DataBuffer* const buffer = useObject(kDataBuffer, handle);
  if (buffer == NULL) return leave(100000);
  for (Object* object = firstObject(); object != NULL; object = object->next) {
    const Dataset* const dataset = (const Dataset*)object;
    for (size_t i = 0; object->kind == kDataset && i < dataset->count; i++) {
      if (dataset->buffers[i] == buffer) forbid(100000, "a dataset still has the buffer");
    }
  }
  destroyObject(buffer);
  return leave(code);
}

void* aclmdlCreateDataset(void) {
  if (enter("aclmdlCreateDataset") != 0) return leave(0), NULL;
  const Context* const context = useContext();
  Dataset* const dataset = makeObject(kDataset, context == NULL ? 0 : context->object.device, sizeof *dataset);
  leave(0);
  return dataset;
}

int aclmdlAddDatasetBuffer(void* handle, void* buffer) {
  int code = enter("aclmdlAddDatasetBuffer");
  Dataset* const dataset = code == 0 ? useObject(kDataset, handle) : NULL;
  DataBuffer* const found = dataset == NULL ? NULL : useObject(kDataBuffer, buffer);
  if (code == 0 && found == NULL) code = 100000;
  if (code == 0 && dataset->count > kMaxOmTensors) code = forbid(100000, "too many buffers");
  if (code == 0) dataset->buffers[dataset->count++] = found;
  return leave(code);
}

int aclmdlDestroyDataset(const void* handle) {
  const int code = enter("aclmdlDestroyDataset");
  Dataset* const dataset = useObject(kDataset, handle);
  if (dataset == NULL) return leave(100000);
  destroyObject(dataset);
  return leave(code);
}
