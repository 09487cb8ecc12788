// Initialising, devices and contexts.

#include <string.h>

#include "software.h"

/** Setting a device makes a context as well, which stays until the reset. */
typedef struct {
  Context context;
  bool isExplicit;
} OwnContext;

/** How often it was initialised and not finalised. */
static uint64_t numInits;
static struct {
  int numSet;
  bool isLost;
  /** Left of the sets that fail after the loss; -1 for all. */
  int failingSets;
} devices[kMaxDevices];
static __thread Context* current;

int deviceState(int device) { return devices[device].isLost ? refuse(507010, "device %d lost its heartbeat", device) : 0; }

int countExecution(int device) {
  if (++knobs.numExecutions[device] == knobs.lostAt && device == knobs.lostDevice) {
    devices[device].isLost = true;
    devices[device].failingSets = knobs.failingSets;
  }
  return deviceState(device);
}

int currentDevice(void) {
  return current != NULL && findObject(kContext, current) != NULL ? current->object.device : -1;
}

Context* useContext(void) {
  // A context that was destroyed elsewhere is no context.
  if (current != NULL && findObject(kContext, current) != NULL) return current;
  forbid(107002, "this thread has no context");
  return NULL;
}

static int checkDevice(int32_t id) {
  if (numInits == 0) return forbid(100001, "aclInit was not called");
  if (id < 0 || id >= knobs.numDevices || id >= kMaxDevices) return refuse(107001, "there is no device %d", id);
  return 0;
}

int aclInit(const char* config) {
  (void)config;
  const int code = enter("aclInit");
  if (code == 0 && numInits++ > 0) return leave(refuse(100002, "initialised already"));
  return leave(code);
}

static void end(void) {
  for (int id = 0; id < kMaxDevices; id++) {
    if (devices[id].numSet > 0) forbid(100000, "device %d was not reset", id);
  }
  reportLeaks(-1);
}

int aclFinalize(void) {
  const int code = enter("aclFinalize");
  if (numInits == 0) return leave(forbid(100037, "aclInit was not called"));
  numInits = 0;
  end();
  return leave(code);
}

int aclFinalizeReference(uint64_t* left) {
  const int code = enter("aclFinalizeReference");
  if (numInits == 0) return leave(forbid(100037, "aclInit was not called"));
  if (--numInits == 0) end();
  if (left != NULL) *left = numInits;
  return leave(code);
}

__attribute__((destructor)) static void endProcess(void) {
  if (numInits > 0) report("leak: the process ended without aclFinalize");
}

const char* aclrtGetSocName(void) {
  enter("aclrtGetSocName");
  leave(0);
  return knobs.soc;
}

int aclsysGetVersionStr(char* package, char* version) {
  const int code = enter("aclsysGetVersionStr");
  if (code == 0) snprintf(version, 128, "software-%s", package);
  return leave(code);
}

int aclrtGetDeviceCount(uint32_t* count) {
  const int code = enter("aclrtGetDeviceCount");
  if (code == 0) *count = (uint32_t)knobs.numDevices;
  return leave(code);
}

static int setDevice(int32_t id) {
  const int code = checkDevice(id);
  if (code != 0) return code;
  if (devices[id].numSet == 0 && devices[id].isLost) {
    if (devices[id].failingSets != 0) {
      if (devices[id].failingSets > 0) devices[id].failingSets--;
      return refuse(507010, "device %d does not answer", id);
    }
    devices[id].isLost = false;
  }
  devices[id].numSet++;
  current = makeObject(kContext, id, sizeof(OwnContext));
  return 0;
}

int aclrtSetDevice(int32_t id) {
  const int code = enter("aclrtSetDevice");
  return leave(code == 0 ? setDevice(id) : code);
}

/** Contexts that the sets of this device made are no leak. */
static void destroyDefaultContexts(int32_t id) {
  for (Object* object = firstObject(); object != NULL;) {
    Object* const next = object->next;
    if (object->kind == kContext && object->device == id && !((OwnContext*)object)->isExplicit) destroyObject(object);
    object = next;
  }
}

int aclrtResetDevice(int32_t id) {
  const int injected = enter("aclrtResetDevice");
  int code = checkDevice(id);
  if (code == 0 && devices[id].numSet == 0) code = forbid(107001, "device %d is not set", id);
  if (code != 0) return leave(code);
  const int state = deviceState(id);
  if (--devices[id].numSet == 0) {
    destroyDefaultContexts(id);
    reportLeaks(id);
  }
  return leave(injected == 0 ? state : injected);
}

int aclrtCreateContext(void** context, int32_t id) {
  int code = enter("aclrtCreateContext");
  if (code == 0) code = checkDevice(id);
  if (code == 0) code = deviceState(id);
  if (code != 0) return leave(code);
  OwnContext* const own = makeObject(kContext, id, sizeof *own);
  own->isExplicit = true;
  *context = current = &own->context;
  return leave(0);
}

int aclrtSetCurrentContext(void* context) {
  const int code = enter("aclrtSetCurrentContext");
  if (code != 0) return leave(code);
  Context* const found = useObject(kContext, context);
  if (found == NULL) return leave(107002);
  current = found;
  return leave(0);
}

int aclrtDestroyContext(void* context) {
  const int injected = enter("aclrtDestroyContext");
  Context* const found = useObject(kContext, context);
  if (found == NULL) return leave(107002);
  for (const Object* object = firstObject(); object != NULL; object = object->next) {
    if (object->kind == kStream && ((const Stream*)object)->context == found) forbid(107000, "it still has a stream");
    if (object->kind == kModel && ((const ModelObject*)object)->context == found) forbid(107000, "it still has a model");
  }
  const int code = deviceState(found->object.device);
  if (current == found) current = NULL;
  destroyObject(found);
  return leave(injected == 0 ? code : injected);
}
