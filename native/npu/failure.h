// What went wrong, in the words of the addon and in those of AscendCL.
#pragma once

#include <stdbool.h>

#include "acl.h"

typedef enum {
  kNoFailure,
  kLibrary,
  kSymbol,
  kNoDevice,
  kBusyOrPermission,
  kOutOfMemory,
  kModelFile,
  kSocMismatch,
  kGear,
  kTimeout,
  kDeviceFailed,
  kQueueFull,
  kClosed,
  kInternal,
  kWrongSize,
  kNumFailureKinds,
} FailureKind;

typedef struct {
  FailureKind kind;
  /** 0 where no call failed. */
  int aclCode;
  /** The call, as a constant; NULL where none failed. */
  const char* aclCall;
  char message[192];
  /** AscendCL's own words; they have long stacks of causes. */
  char detail[2048];
} Failure;

/** Sets a failure unless there is one already: the first is the cause of the others. Returns false. */
bool fail(Failure* failure, FailureKind kind, const char* format, ...) __attribute__((format(printf, 3, 4)));

/** `aclrtMalloc`, 207001: the failure says which class that is. Must be called on the thread of the call. */
bool failCall(Failure* failure, const Acl* acl, const char* call, int code);

void setDetail(Failure* failure, const char* text);

/** The class of a code that AscendCL returned. */
FailureKind classify(int aclCode);

/** Whether nothing more can be done on the device before it is opened again. */
bool losesDevice(FailureKind kind);

/** True when all went well; else `failure` is set. For functions that return a code. */
#define CALL(acl, failure, name, ...) callWentWell(failure, acl, #name, (acl)->name(__VA_ARGS__))

static inline bool callWentWell(Failure* failure, const Acl* acl, const char* call, int code) {
  return code == 0 || failCall(failure, acl, call, code);
}
