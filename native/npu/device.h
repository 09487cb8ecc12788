// A device and its thread, which alone calls AscendCL: errors, contexts and models are bound to a thread there.
#pragma once

#include "library.h"
#include "queue.h"

typedef struct Model Model;

struct Device {
  int32_t id;
  /** NULL for the usual places. */
  char* libraryPath;
  pthread_t thread;
  Queue queue;
  /** Of all devices whose thread has not been joined. */
  Device* nextStarted;

  // The thread's alone:
  const Acl* acl;
  bool isSet;
  void* context;
  void* stream;
  Model* models;
  /** What lost the device: nothing but releasing is done any more. */
  Failure lost;
};

/** Starts the thread. NULL when there is no memory or no thread for it. */
Device* startDevice(int32_t id, const char* libraryPath);

/**
 * Hands a job to the thread. False, with `job->failure` set, when it is not taken; `done` is not called then.
 * `isLast`: the device takes nothing more, releases everything after it, and the thread ends.
 */
bool submitJob(Device* device, Job* job, bool isLast);

/** Ends the thread once what waits is done, or without doing it. */
void endDevice(Device* device, bool abandon);

/** Waits for the thread to end, and frees the device. */
void joinDevice(Device* device);

/**
 * Lets the process end: process.exit() runs no clean-up of Node's, and AscendCL must not be taken down under our threads.
 * To be called after whatever opens libraries, the last time after the last of them: what is asked for last comes first, and
 * it has to come before the end of those libraries. More than once is fine.
 */
void releaseAtExit(void);

// Work on the thread:

/** Opens the library, the device, a context and a stream. */
bool openDevice(Device* device, Failure* failure);
/** Releases everything, in order, as far as the device lets it. */
void releaseDevice(Device* device);
bool readMemory(const Acl* acl, size_t* freeBytes, size_t* totalBytes, Failure* failure);
/** Keeps a failure after which the device has to be opened again. */
void noteLoss(Device* device, const Failure* failure);
