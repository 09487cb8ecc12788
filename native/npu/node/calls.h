// Calls from JavaScript that become jobs on the thread of a device, and promises there.
#pragma once

#include "values.h"

/** A device as JavaScript sees it. For JavaScript's thread alone. */
typedef struct DeviceHandle {
  struct Environment* environment;
  /** NULL once its thread has ended. */
  Device* device;
  /** The promise of its end; NULL while it is open. */
  napi_ref closing;
  /** The thread while it is not joined, the object, and the objects of its models. */
  int numUsers;
  struct DeviceHandle* next;
} DeviceHandle;

/** Of each environment that has loaded the addon: the main thread's, or that of a worker. */
typedef struct Environment {
  napi_env env;
  napi_threadsafe_function settle;
  /** Calls that keep the event loop alive. */
  int numOpen;
  /** Those whose thread has not been joined. */
  DeviceHandle* devices;
} Environment;

typedef struct Call {
  Job job;
  DeviceHandle* handle;
  /** NULL when nobody waits. */
  napi_deferred deferred;
  /** What the promise resolves to; NULL for undefined. It may set `job.failure` instead. */
  napi_value (*result)(napi_env env, struct Call* call);
  /** Frees what the call has; NULL when that is nothing. `env` is NULL when JavaScript has ended. */
  void (*dispose)(napi_env env, struct Call* call);
  /** The device's thread ends with this call, or with its failure. */
  bool endsDevice;
  bool endsDeviceOnFailure;
} Call;

Environment* startEnvironment(napi_env env);

/** NULL, with an error thrown, when there is no thread for it. */
DeviceHandle* startHandle(Environment* environment, int32_t id, const char* libraryPath);
void retainHandle(DeviceHandle* handle);
/** The last one frees it. */
void releaseHandle(DeviceHandle* handle);

/** A call of `bytes`, which begin with a Call. NULL, with an error thrown, when there is no memory. */
void* newCall(napi_env env, size_t bytes, DeviceHandle* handle, void (*work)(Job* job, Device* device));
/** A call that releases something: its work is done even on a lost device. */
void* newReleaseCall(napi_env env, size_t bytes, DeviceHandle* handle, void (*work)(Job* job, Device* device));
/** Frees a call that was not handed over. */
void freeCall(napi_env env, Call* call);
/** Hands the call over, and returns its promise. */
napi_value startCall(napi_env env, Call* call);
/** The promise of a call that is refused, because what it needs is closed. */
napi_value rejectCall(napi_env env, Call* call, const char* why);
/** Hands over a call that nobody waits for. */
void startSilentCall(napi_env env, Call* call);
