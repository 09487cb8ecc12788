// What the library says there is on this machine.
#pragma once

#include "library.h"

enum { kMaxProbed = 64 };

typedef struct {
  char* libraryPath;
  const Library* library;
  char socName[64];
  /** Empty where the library cannot tell. */
  char version[64];
  struct {
    size_t freeBytes;
    size_t totalBytes;
  } devices[kMaxProbed];
  uint32_t numDevices;
} Probe;

/** Takes seconds for each device; not for the main thread. */
bool doProbe(Probe* probe, Failure* failure);
