// Runs ONNX models with the library inside onnxruntime-node. Its table of functions only grows at the end, so their
// places in it are fixed.

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "software.h"

enum {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetIntraOpNumThreads = 24,
  kCreateTensor = 49,
  kGetTensorData = 51,
  kGetElementCount = 64,
  kGetTypeAndShape = 65,
  kCreateMemoryInfo = 69,
  kReleaseStatus = 93,
  kReleaseSession = 95,
  kReleaseValue = 96,
  kReleaseTypeAndShape = 99,
  kReleaseSessionOptions = 100,
  kApiVersion = 17,
};

typedef void* Status;
typedef struct {
  const void* (*getApi)(uint32_t version);
} ApiBase;

static pthread_mutex_t startLock = PTHREAD_MUTEX_INITIALIZER;
static void* const* api;
static void* environment;
static void* memoryInfo;

/** The function at a place of the table, with the type of the call. */
#define ORT(place, result, ...) ((result(*)(__VA_ARGS__))api[place])

static void release(int place, void* object) {
  if (object != NULL) ORT(place, void, void*)(object);
}

/** True for no status; else its words go to `error`. */
static bool isFine(Status status, char* error, size_t errorBytes) {
  if (status == NULL) return true;
  snprintf(error, errorBytes, "%s", ORT(kGetErrorMessage, const char*, const void*)(status));
  release(kReleaseStatus, status);
  return false;
}

static bool openOrt(char* error, size_t errorBytes) {
  if (memoryInfo != NULL) return true;
  const char* const path = getenv("SOFTWARE_ASCENDCL_ORT");
  void* const library = dlopen(path == NULL ? "libonnxruntime.so.1" : path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return snprintf(error, errorBytes, "%s", dlerror()), false;
  const ApiBase* (*getBase)(void);
  void* const symbol = dlsym(library, "OrtGetApiBase");
  memcpy(&getBase, &symbol, sizeof getBase);
  api = getBase()->getApi(kApiVersion);
  const int errorsOnly = 3;
  const int arenaAllocator = 1;
  const int defaultMemory = 0;
  return isFine(ORT(kCreateEnv, Status, int, const char*, void**)(errorsOnly, "software", &environment), error, errorBytes) &&
         isFine(ORT(kCreateMemoryInfo, Status, int, int, void**)(arenaAllocator, defaultMemory, &memoryInfo), error, errorBytes);
}

void* loadOnnx(const char* path, char* error, size_t errorBytes) {
  pthread_mutex_lock(&startLock);
  const bool isOpen = openOrt(error, errorBytes);
  pthread_mutex_unlock(&startLock);
  void* options = NULL;
  void* session = NULL;
  if (!isOpen || !isFine(ORT(kCreateSessionOptions, Status, void**)(&options), error, errorBytes)) return NULL;
  // One thread, so that results do not depend on the machine.
  if (isFine(ORT(kSetIntraOpNumThreads, Status, void*, int)(options, 1), error, errorBytes)) {
    isFine(ORT(kCreateSession, Status, void*, const char*, const void*, void**)(environment, path, options, &session), error,
           errorBytes);
  }
  release(kReleaseSessionOptions, options);
  return session;
}

void unloadOnnx(void* session) { release(kReleaseSession, session); }

static bool copyOutput(void* value, const OmTensor* tensor, const int64_t* dims, void* to, char* error, size_t errorBytes) {
  void* info = NULL;
  size_t count = 0;
  const void* data = NULL;
  const bool isRead =
      isFine(ORT(kGetTypeAndShape, Status, const void*, void**)(value, &info), error, errorBytes) &&
      isFine(ORT(kGetElementCount, Status, const void*, size_t*)(info, &count), error, errorBytes) &&
      isFine(ORT(kGetTensorData, Status, void*, const void**)(value, &data), error, errorBytes);
  release(kReleaseTypeAndShape, info);
  if (!isRead) return false;
  const size_t bytes = tensorBytes(tensor, dims);
  if (count * typeBytes(tensor->type) != bytes) {
    snprintf(error, errorBytes, "%s has %zu elements, and the gear says %zu bytes", tensor->name, count, bytes);
    return false;
  }
  memcpy(to, data, bytes);
  return true;
}

bool runOnnx(void* session, const Om* om, size_t gear, void* const* inputs, void* const* outputs, char* error, size_t errorBytes) {
  const char* inputNames[kMaxOmTensors];
  const char* outputNames[kMaxOmTensors];
  void* inputValues[kMaxOmTensors] = {NULL};
  void* outputValues[kMaxOmTensors] = {NULL};
  bool isDone = true;
  for (size_t i = 0; isDone && i < om->numInputs; i++) {
    const OmTensor* const tensor = &om->inputs[i];
    const int64_t* const dims = gearInput(om, gear, i);
    inputNames[i] = tensor->name;
    isDone = isFine(ORT(kCreateTensor, Status, const void*, void*, size_t, const int64_t*, size_t, int, void**)(
                        memoryInfo, inputs[i], tensorBytes(tensor, dims), dims, tensor->rank, tensor->type, &inputValues[i]),
                    error, errorBytes);
  }
  for (size_t i = 0; i < om->numOutputs; i++) outputNames[i] = om->outputs[i].name;
  isDone = isDone &&
           isFine(ORT(kRun, Status, void*, const void*, const char* const*, void* const*, size_t, const char* const*, size_t,
                      void**)(session, NULL, inputNames, inputValues, om->numInputs, outputNames, om->numOutputs, outputValues),
                  error, errorBytes);
  for (size_t i = 0; isDone && i < om->numOutputs; i++) {
    isDone = copyOutput(outputValues[i], &om->outputs[i], gearOutput(om, gear, i), outputs[i], error, errorBytes);
  }
  for (size_t i = 0; i < om->numInputs; i++) release(kReleaseValue, inputValues[i]);
  for (size_t i = 0; i < om->numOutputs; i++) release(kReleaseValue, outputValues[i]);
  return isDone;
}
