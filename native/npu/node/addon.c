// The functions of the addon: probe and open.

#include <stdlib.h>

#include "../probe.h"
#include "device_object.h"

typedef struct {
  Call call;
  Probe probe;
} ProbeCall;

static void work(Job* job, Device* device) {
  ProbeCall* const call = (ProbeCall*)job;
  call->probe.libraryPath = device->libraryPath;
  doProbe(&call->probe, &job->failure);
}

static napi_value probed(napi_env env, Call* base) {
  const Probe* const probe = &((ProbeCall*)base)->probe;
  napi_value missing = NULL;
  napi_value devices = NULL;
  napi_create_array(env, &missing);
  napi_create_array(env, &devices);
  for (size_t i = 0; i < probe->library->numMissing; i++) append(env, missing, makeText(env, probe->library->missing[i]));
  for (uint32_t id = 0; id < probe->numDevices; id++) {
    const napi_value device = makeObject(env);
    set(env, device, "id", makeNumber(env, id));
    set(env, device, "freeBytes", makeNumber(env, (double)probe->devices[id].freeBytes));
    set(env, device, "totalBytes", makeNumber(env, (double)probe->devices[id].totalBytes));
    append(env, devices, device);
  }
  const napi_value value = makeObject(env);
  set(env, value, "library", makeText(env, probe->library->path));
  set(env, value, "socName", makeText(env, probe->socName));
  set(env, value, "version", probe->version[0] == '\0' ? makeUndefined(env) : makeText(env, probe->version));
  set(env, value, "missing", missing);
  set(env, value, "devices", devices);
  return value;
}

static napi_value probe(napi_env env, napi_callback_info info) {
  void* environment = NULL;
  napi_value options = NULL;
  size_t count = 1;
  char* libraryPath = NULL;
  napi_get_cb_info(env, info, &count, &options, NULL, &environment);
  if (!readOptionalText(env, options, "library", &libraryPath)) return NULL;
  // A thread that opens no device, and ends with the probe.
  DeviceHandle* const handle = startHandle(environment, 0, libraryPath);
  free(libraryPath);
  ProbeCall* const call = handle == NULL ? NULL : newCall(env, sizeof *call, handle, work);
  if (call == NULL) return NULL;
  call->call.endsDevice = true;
  call->call.result = probed;
  return startCall(env, &call->call);
}

static napi_value open(napi_env env, napi_callback_info info) {
  void* environment = NULL;
  napi_value options = NULL;
  size_t count = 1;
  napi_get_cb_info(env, info, &count, &options, NULL, &environment);
  return openDeviceObject(env, environment, options);
}

NAPI_MODULE_INIT() {
  Environment* const environment = startEnvironment(env);
  if (environment == NULL) {
    napi_throw_error(env, "ERR_NPU_INTERNAL", "The addon cannot be started.");
    return NULL;
  }
  const napi_property_descriptor functions[] = {
      {.utf8name = "probe", .method = probe, .attributes = napi_enumerable, .data = environment},
      {.utf8name = "open", .method = open, .attributes = napi_enumerable, .data = environment},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
