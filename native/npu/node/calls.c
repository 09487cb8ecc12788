// Jobs go to the thread of the device, and come back through one thread-safe function.

#include "calls.h"

#include <stdlib.h>

static void removeHandle(DeviceHandle* handle) {
  for (DeviceHandle** at = &handle->environment->devices; *at != NULL; at = &(*at)->next) {
    if (*at == handle) {
      *at = handle->next;
      return;
    }
  }
}

/** Its last job is done, or its thread was told to end. */
static void joinHandle(DeviceHandle* handle) {
  joinDevice(handle->device);
  handle->device = NULL;
  removeHandle(handle);
  releaseHandle(handle);
}

void retainHandle(DeviceHandle* handle) { handle->numUsers++; }

void releaseHandle(DeviceHandle* handle) {
  if (--handle->numUsers == 0) free(handle);
}

DeviceHandle* startHandle(Environment* environment, int32_t id, const char* libraryPath) {
  DeviceHandle* const handle = calloc(1, sizeof *handle);
  Device* const device = handle == NULL ? NULL : startDevice(id, libraryPath);
  if (device == NULL) {
    free(handle);
    napi_throw_error(environment->env, "ERR_NPU_INTERNAL", "There is no thread for the device.");
    return NULL;
  }
  *handle = (DeviceHandle){.environment = environment, .device = device, .numUsers = 1, .next = environment->devices};
  environment->devices = handle;
  return handle;
}

void freeCall(napi_env env, Call* call) {
  if (call->dispose != NULL) call->dispose(env, call);
  free(call);
}

static void finish(napi_env env, Call* call) {
  const bool hasFailed = call->job.failure.kind != kNoFailure;
  if (call->endsDeviceOnFailure && hasFailed) endDevice(call->handle->device, false);
  if (call->endsDevice || (call->endsDeviceOnFailure && hasFailed)) joinHandle(call->handle);
  freeCall(env, call);
}

static void answer(napi_env env, Call* call) {
  napi_value value = makeUndefined(env);
  if (call->job.failure.kind == kNoFailure && call->result != NULL) value = call->result(env, call);
  if (call->deferred == NULL) return;
  if (call->job.failure.kind == kNoFailure) {
    napi_resolve_deferred(env, call->deferred, value);
  } else {
    napi_reject_deferred(env, call->deferred, makeError(env, &call->job.failure));
  }
}

/** On JavaScript's thread. */
static void settle(napi_env env, napi_value callback, void* context, void* data) {
  (void)callback;
  Environment* const environment = context;
  Call* const call = data;
  if (env == NULL) {
    // The environment has ended, and the cleanup has joined the device.
    freeCall(NULL, call);
    return;
  }
  if (--environment->numOpen == 0) napi_unref_threadsafe_function(env, environment->settle);
  answer(env, call);
  finish(env, call);
}

/** On the device's thread. */
static void sendBack(Job* job) {
  Call* const call = (Call*)job;
  // It is there until the cleanup has joined all devices, and its queue has no limit.
  napi_call_threadsafe_function(call->handle->environment->settle, call, napi_tsfn_nonblocking);
}

void* newCall(napi_env env, size_t bytes, DeviceHandle* handle, void (*work)(Job* job, Device* device)) {
  Call* const call = calloc(1, bytes);
  if (call == NULL) {
    napi_throw_error(env, "ERR_NPU_INTERNAL", "There is no memory for the call.");
    return NULL;
  }
  call->job.work = work;
  call->job.done = sendBack;
  call->handle = handle;
  return call;
}

void* newReleaseCall(napi_env env, size_t bytes, DeviceHandle* handle, void (*work)(Job* job, Device* device)) {
  Call* const call = newCall(env, bytes, handle, work);
  if (call != NULL) call->job.isRelease = true;
  return call;
}

/** Whether it was taken. */
static bool submit(napi_env env, Call* call) {
  // The environment may be gone when the last objects are collected; its devices went before it.
  if (call->handle->device == NULL) return fail(&call->job.failure, kClosed, "The device is closed.");
  if (!submitJob(call->handle->device, &call->job, call->endsDevice)) return false;
  // It cannot come back before this returns: that happens on this thread.
  Environment* const environment = call->handle->environment;
  if (environment->numOpen++ == 0) napi_ref_threadsafe_function(env, environment->settle);
  return true;
}

/** A call that did not get to the device. */
static void refuse(napi_env env, Call* call) {
  answer(env, call);
  freeCall(env, call);
}

napi_value startCall(napi_env env, Call* call) {
  napi_value promise = NULL;
  napi_create_promise(env, &call->deferred, &promise);
  if (!submit(env, call)) refuse(env, call);
  return promise;
}

napi_value rejectCall(napi_env env, Call* call, const char* why) {
  napi_value promise = NULL;
  napi_create_promise(env, &call->deferred, &promise);
  fail(&call->job.failure, kClosed, "%s", why);
  refuse(env, call);
  return promise;
}

void startSilentCall(napi_env env, Call* call) {
  if (!submit(env, call)) refuse(env, call);
}

/** While JavaScript's thread ends. Runs that are under way are waited for: their memory is in use until then. */
static void endEnvironment(void* data) {
  Environment* const environment = data;
  for (DeviceHandle* handle = environment->devices; handle != NULL; handle = handle->next) {
    endDevice(handle->device, true);
  }
  while (environment->devices != NULL) joinHandle(environment->devices);
  releaseLibrary();
  napi_release_threadsafe_function(environment->settle, napi_tsfn_abort);
}

/** After the last call has been disposed of. */
static void freeEnvironment(napi_env env, void* data, void* hint) {
  (void)env;
  (void)hint;
  free(data);
}

Environment* startEnvironment(napi_env env) {
  Environment* const environment = calloc(1, sizeof *environment);
  if (environment == NULL) return NULL;
  environment->env = env;
  if (napi_create_threadsafe_function(env, NULL, NULL, makeText(env, "qvl npu"), 0, 1, environment, freeEnvironment,
                                      environment, settle, &environment->settle) != napi_ok) {
    free(environment);
    return NULL;
  }
  napi_unref_threadsafe_function(env, environment->settle);
  retainLibrary();
  // Runs before the function's own clean-up, because hooks run in the opposite order of their making.
  napi_add_env_cleanup_hook(env, endEnvironment, environment);
  return environment;
}
