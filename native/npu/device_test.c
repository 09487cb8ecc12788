// Drives devices, models and runs without Node, from several threads: the parts that sanitizers should see alone.
// `device_test LIBRARY MODEL [seed]` needs the software AscendCL and its small model. It exits with 1 when something is wrong.

#include <dlfcn.h>

#include "device_test_load.h"

/** The first failure from opening to a run; everything is released then. */
static FailureKind runThrough(void) {
  Device* const device = startDevice(0, libraryPath);
  FailureKind kind = openAndWait(device);
  Model* const model = kind == kNoFailure ? loadAndWait(device, &kind) : NULL;
  if (model != NULL) {
    kind = runAndWait(device, model, 2);
    const FailureKind next = runAndWait(device, model, 1);
    expect(next == (losesDevice(kind) ? kDeviceFailed : kNoFailure), "the run behind a failure", "another failure");
    unloadAndWait(device, model);
  }
  closeAndWait(device);
  return kind;
}

static void* initialiseElsewhere(void* library) {
  int (*init)(const char*);
  *(void**)&init = dlsym(library, "aclInit");
  expect(init(NULL) == 0, "initialising first", "it was not the first");
  return NULL;
}

static void* finaliseElsewhere(void* library) {
  uint64_t left = 1;
  int (*finalise)(uint64_t*);
  *(void**)&finalise = dlsym(library, "aclFinalizeReference");
  expect(finalise(&left) == 0 && left == 0, "finalising last", "it was not the last");
  return NULL;
}

/** Something else in the process uses AscendCL before and after. It may not be called on the main thread. */
static void testInitialisedElsewhere(void) {
  pthread_t thread;
  void* const library = dlopen(libraryPath, RTLD_LAZY | RTLD_LOCAL);
  pthread_create(&thread, NULL, initialiseElsewhere, library);
  pthread_join(thread, NULL);
  expect(runThrough() == kNoFailure, "a library in use", "failed");
  finaliseLibrary();
  pthread_create(&thread, NULL, finaliseElsewhere, library);
  pthread_join(thread, NULL);
}

static void testTwoDevices(void) {
  Model* models[2][kNumModels];
  Device* devices[2];
  Load loads[2];
  int numOf[kNumFailureKinds];
  for (int id = 0; id < 2; id++) devices[id] = openWithModels(id, models[id]);
  for (int id = 0; id < 2; id++) startLoad(&loads[id], devices[id], models[id]);
  for (int id = 0; id < 2; id++) {
    endLoad(&loads[id], numOf);
    expect(numOf[kNoFailure] == kNumThreads * kRunsOfThread, "two devices", "a run failed");
    closeAndWait(devices[id]);
    releaseModels(models[id]);
  }
}

/** Models go while runs wait for them, and then the device, in one of its three ways. */
static void testOddOrders(unsigned round) {
  Model* models[kNumModels];
  Load load;
  int numOf[kNumFailureKinds];
  Device* const device = openWithModels(0, models);
  startLoad(&load, device, models);
  for (unsigned first = below(kNumModels), i = 0; i < round % (kNumModels + 1); i++) {
    Model* const model = models[(first + i) % kNumModels];
    retainModel(model);
    unloadAndWait(device, model);
  }
  if (round % 3 == 0) {
    endLoad(&load, numOf);
    closeAndWait(device);
  } else {
    endDevice(device, round % 3 == 1);
    endLoad(&load, numOf);
    joinDevice(device);
  }
  expect(numOf[kNoFailure] + numOf[kClosed] == kNumThreads * kRunsOfThread, "odd orders", "a run failed otherwise");
  releaseModels(models);
}

typedef struct {
  const char* call;
  int nth;
  int code;
  FailureKind kind;
} Fault;

static const Fault kFaults[] = {
    {"aclrtSetDevice", 1, 207006, kBusyOrPermission},      {"aclrtCreateContext", 1, 500000, kInternal},
    {"aclrtSetCurrentContext", 1, 107002, kInternal},      {"aclrtCreateStream", 1, 207008, kBusyOrPermission},
    {"aclmdlLoadFromFile", 1, 100003, kModelFile},         {"aclmdlCreateDesc", 1, 200000, kOutOfMemory},
    {"aclmdlGetInputDynamicDims", 1, 100019, kGear},       {"aclmdlGetOutputDims", 2, 500002, kInternal},
    {"aclrtMallocHost", 2, 207018, kOutOfMemory},          {"aclrtMalloc", 3, 207001, kOutOfMemory},
    {"aclCreateDataBuffer", 5, 200000, kOutOfMemory},      {"aclmdlAddDatasetBuffer", 2, 100000, kInternal},
    {"aclmdlSetInputDynamicDims", 1, 145013, kGear},       {"aclrtMemcpyAsync", 4, 500003, kInternal},
    {"aclmdlExecuteAsync", 1, 507011, kDeviceFailed},      {"aclrtSynchronizeStreamWithTimeout", 1, 107020, kTimeout},
    {"aclrtSynchronizeStreamWithTimeout", 1, 507014, kDeviceFailed},
};

static void testFaults(void) {
  for (size_t i = 0; i < sizeof kFaults / sizeof kFaults[0]; i++) {
    char line[128];
    snprintf(line, sizeof line, "fail %s -1 %d %d words\n", kFaults[i].call, kFaults[i].nth, kFaults[i].code);
    tell(line);
    expect(runThrough() == kFaults[i].kind, "the class of a failure", line);
    tell("");
    expect(runThrough() == kNoFailure, "everything after a failure", line);
  }
}

static void testLoss(void) {
  Model* models[kNumModels];
  Load load;
  int numOf[kNumFailureKinds];
  Device* const device = openWithModels(0, models);
  tell("lose 0 20 1\n");
  startLoad(&load, device, models);
  endLoad(&load, numOf);
  expect(numOf[kNoFailure] == 19, "runs before a loss", "not 19 of them");
  expect(numOf[kDeviceFailed] == kNumThreads * kRunsOfThread - 19, "runs after a loss", "another failure");
  closeAndWait(device);
  releaseModels(models);
  expect(runThrough() == kDeviceFailed, "opening a lost device", "did not fail once");
  expect(runThrough() == kNoFailure, "opening it again", "failed");
  tell("");
}

/** One device is lost under load and opened again while the other one computes. */
static void testLossBesideAnother(void) {
  Model* models[2][kNumModels];
  Model* again[kNumModels];
  Device* devices[2];
  Load loads[2];
  int numOf[kNumFailureKinds];
  for (int id = 0; id < 2; id++) devices[id] = openWithModels(id, models[id]);
  tell("delay 2\nlose 0 10 0\n");
  for (int id = 0; id < 2; id++) startLoad(&loads[id], devices[id], models[id]);
  endLoad(&loads[0], numOf);
  expect(numOf[kNoFailure] == 9 && numOf[kDeviceFailed] == kNumThreads * kRunsOfThread - 9, "the lost one", "other counts");
  closeAndWait(devices[0]);
  releaseModels(models[0]);
  devices[0] = openWithModels(0, again);
  startLoad(&loads[0], devices[0], again);
  for (int id = 0; id < 2; id++) {
    endLoad(&loads[id], numOf);
    expect(numOf[kNoFailure] == kNumThreads * kRunsOfThread, "the other one, and the one that is back", "a run failed");
    closeAndWait(devices[id]);
  }
  releaseModels(models[1]);
  releaseModels(again);
  tell("");
}

/** What waits behind a run that does not end fails with it. */
static void testTimeout(void) {
  Model* models[kNumModels];
  Task late;
  Load load;
  int numOf[kNumFailureKinds];
  Device* const device = openWithModels(0, models);
  // Only the release by force ends such a run.
  tell("delay 3600000\n");
  initTask(&late, models[0], 0, 1);
  late.run.timeoutMs = 50;
  submit(device, &late, false);
  startLoad(&load, device, models);
  expect(finishRun(&late) == kTimeout, "a run that takes too long", "another failure");
  endLoad(&load, numOf);
  expect(numOf[kDeviceFailed] == kNumThreads * kRunsOfThread, "runs behind it", "another failure");
  closeAndWait(device);
  releaseModels(models);
  tell("");
  expect(runThrough() == kNoFailure, "everything after it", "failed");
}

static void testFullQueue(void) {
  static Task tasks[kMaxQueued + 50];
  const int count = sizeof tasks / sizeof tasks[0];
  Model* models[kNumModels];
  Device* const device = openWithModels(0, models);
  int numOf[kNumFailureKinds] = {0};
  tell("delay 300\n");
  for (int i = 0; i < count; i++) {
    initTask(&tasks[i], models[0], 0, i);
    submit(device, &tasks[i], false);
  }
  tell("");
  for (int i = 0; i < count; i++) numOf[finishRun(&tasks[i])]++;
  expect(numOf[kQueueFull] > 40 && numOf[kNoFailure] == count - numOf[kQueueFull], "a full queue", "another count");
  closeAndWait(device);
  releaseModels(models);
}

/** The process ends with work in flight, and its exit has to release everything. */
static void leaveOpen(void) {
  static Model* models[kNumModels];
  static Task tasks[kRunsOfThread];
  Device* const device = openWithModels(1, models);
  for (int i = 0; i < kRunsOfThread; i++) {
    initTask(&tasks[i], models[i % kNumModels], i % 3, i);
    submit(device, &tasks[i], false);
  }
}

static void testAll(void) {
  testInitialisedElsewhere();
  testTwoDevices();
  for (unsigned round = 0; round < 12; round++) testOddOrders(round);
  testFaults();
  testLoss();
  testLossBesideAnother();
  testTimeout();
  testFullQueue();
}

int main(int argc, char** argv) {
  if (argc < 3 || getenv("SOFTWARE_ASCENDCL_CONTROL") == NULL) return puts("device_test LIBRARY MODEL [seed]"), 2;
  libraryPath = argv[1];
  omPath = argv[2];
  randomState = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
  tell("");
  testAll();
  leaveOpen();
  return numFailed == 0 ? 0 : 1;
}
