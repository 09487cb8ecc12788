// The AscendCL library of this process: found, opened and initialised once.
#pragma once

#include "failure.h"

typedef struct {
  Acl acl;
  /** What was opened. */
  char path[1024];
  /** Optional functions that it lacks. */
  const char* missing[16];
  size_t numMissing;
} Library;

/**
 * Opens the library at `path`, or the first of the usual places when that is NULL, and initialises it. Later calls return
 * the same one. Loads foreign code, so never on the main thread. NULL when it failed.
 */
const Library* openLibrary(const char* path, Failure* failure);

/** Counts those that use the library: the JavaScript environments that have loaded the addon. */
void retainLibrary(void);
/**
 * The last one finalises AscendCL; whoever opens the library later initialises it again. Not the last device: finalising
 * waits up to two seconds for the logs of the devices, and a lost device is opened again sooner.
 */
void releaseLibrary(void);
/** Finalises AscendCL if that is not done, on a thread of its own. It must not be called while a device is open. */
void finaliseLibrary(void);
